"""Requests to addresses that somebody else has chosen: what may be asked for, and how it is."""
