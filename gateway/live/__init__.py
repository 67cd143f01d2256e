"""What happens now: the tail of the log, open streams, and waiting for read models."""
