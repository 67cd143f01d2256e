"""Finishes erasures: destroys keys, links to people, objects and rows; keeps debts owed."""
