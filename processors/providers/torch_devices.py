"""Where torch computes. Needs the extra `diffusers`."""

from __future__ import annotations

import torch

from runtime.errors import SettingsError


def device_of(name: str) -> torch.device:
    """The device of that name; `auto`: the best that is there.

    Raises:
        SettingsError: it is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next((kind for kind, is_there in there.items() if is_there), "cpu"))
    device = torch.device(name)
    if not there.get(device.type, True):
        raise SettingsError(f"DIFFUSERS_DEVICE is {name}, which this machine does not have.")
    return device
