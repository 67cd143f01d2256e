"""Outbound webhooks: what counts in the log is told to API customers' servers (decision 6)."""
