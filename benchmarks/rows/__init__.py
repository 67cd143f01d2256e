"""One module per group of rows that share a setting."""
