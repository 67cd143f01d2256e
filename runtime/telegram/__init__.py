"""Calls to the Telegram Bot API."""
