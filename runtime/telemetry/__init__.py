"""What a person sees of a running process: log lines and metrics."""
