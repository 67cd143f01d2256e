"""Generations: asked for, decided, looked at, cancelled, binned; and what can be asked for."""
