"""Calls to Stripe, and what it tells by webhook."""
