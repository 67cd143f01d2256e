"""What who asks may do: API keys, scopes, roles, bans, and the acts of admins."""
