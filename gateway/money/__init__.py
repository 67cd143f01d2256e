"""Balance, ledger and purchases."""
