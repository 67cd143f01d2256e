"""The raw limits: the same transport as ours, and nothing of ours on it."""
