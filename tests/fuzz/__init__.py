"""What nobody made is never accepted: init data, tokens and API keys under mutation and fuzzing."""
