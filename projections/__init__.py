"""Read models: the log folded into PostgreSQL tables, batch by batch (design §5)."""
