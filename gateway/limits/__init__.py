"""How much somebody may ask for: by address, sign-in, account and API key."""
