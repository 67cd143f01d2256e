"""Sealing of personal fields, and the keys that it needs."""
