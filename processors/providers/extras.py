"""Whether what a setting needs was installed."""

from __future__ import annotations

import importlib.util

from runtime.errors import SettingsError

DIFFUSERS = ("torch", "diffusers", "transformers", "peft")


def require_diffusers(variable: str) -> None:
    """Make sure of the extra `diffusers`, without loading it.

    Args:
        variable: the setting that needs it.

    Raises:
        SettingsError: it is not there.
    """
    missing = [name for name in DIFFUSERS if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"{variable} is set, and {', '.join(missing)} is not installed: install Pixelpop with "
            "its extra `diffusers`."
        )
