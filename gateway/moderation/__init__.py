"""What is allowed: asking beforehand, objecting to a refusal, and what admins see of it."""
