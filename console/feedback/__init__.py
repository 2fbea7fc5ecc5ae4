"""What people say of anomalies and incidents, and what would follow if they said it."""
