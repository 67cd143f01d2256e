"""Stripe's request bodies: forms whose names nest with brackets.

`line_items[0][price_data][currency]=usd` and `expand[]=charge`, as the API reference writes its
examples and as the `_encode` module of the official package makes them.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.stripe.errors import Invalid

_NAME = re.compile(r"(?P<head>[^\[\]]+)(?P<rest>(?:\[[^\[\]]*\])*)")
_INSIDE = re.compile(r"\[([^\[\]]*)\]")


def parsed(text: str) -> dict[str, Any]:
    """Nested dicts of strings; lists are dicts whose names are indices."""
    form: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
        found = _NAME.fullmatch(name)
        if found is None:
            raise Invalid(f"Invalid parameter name: {name}", param=name)
        _put(form, [found["head"], *_INSIDE.findall(found["rest"])], name, value)
    return form


def _put(form: dict[str, Any], path: list[str], name: str, value: str) -> None:
    here = form
    for part in path[:-1]:
        here = here.setdefault(part or str(len(here)), {})
        if not isinstance(here, dict):
            raise Invalid("Invalid object", param=name)
    last = path[-1] or str(len(here))
    if isinstance(here.get(last), dict):
        raise Invalid("Invalid object", param=name)
    here[last] = value
