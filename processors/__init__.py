"""What runs: the decider, the Faust app with its agents, providers, moderation and image work."""
