"""The bot that people talk to: what is asked for in a chat is done by the same functions."""
