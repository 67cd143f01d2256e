"""Several prompts in one command: ask, look, cancel."""
