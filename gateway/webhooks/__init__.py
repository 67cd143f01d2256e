"""Webhook endpoints of API customers, and what was sent to them."""
