"""What image providers tell us by webhook."""
