"""The golden signals of an application over windows of event time, with their seasons."""
