"""What the processes share that follow the log and tell outside: webhooks and messages."""
