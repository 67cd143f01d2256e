"""Further inputs of a model, which a setting holds as a JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from runtime.errors import SettingsError


class Further:
    """What a setting adds to each request.

    Args:
        text: a JSON object; null takes an input away.
        variable: its name.
        ours: inputs that it may not hold.

    Raises:
        SettingsError: it is no JSON object, or would replace what is asked for.
    """

    def __init__(self, text: str, variable: str, ours: frozenset[str]) -> None:
        try:
            self._inputs = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise SettingsError(f"{variable} is no JSON object: {error}.") from error
        if not ours.isdisjoint(self._inputs):
            raise SettingsError(f"{variable} may not hold {', '.join(sorted(ours))}.")

    def added_to(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """These inputs with the setting's; those that it takes away are gone."""
        merged = {**inputs, **self._inputs}
        return {name: value for name, value in merged.items() if value is not None}
