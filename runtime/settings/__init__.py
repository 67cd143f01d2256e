"""Every setting: its environment variable, meaning, unit, default and bounds.

A module per part of Pixelpop; each one's class extends the one before, and `Settings` is all of
them in one flat struct.
"""

from runtime.settings.loading import PREFIX, Settings, load, to_environment, variables

__all__ = ["PREFIX", "Settings", "load", "to_environment", "variables"]
