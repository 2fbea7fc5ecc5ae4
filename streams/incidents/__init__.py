"""The incident worker: anomalies and progress in, incidents out, with what people say of them on the way."""
