"""What is said about a setting."""

from __future__ import annotations

from typing import Any

from msgspec import Meta


def about(
    meaning: str,
    *,
    env: str | None = None,
    unit: str | None = None,
    secret: bool = False,
    **bounds: Any,
) -> Meta:
    """Meaning, variable (if not `PIXELPOP_<FIELD>`), unit and bounds of a setting."""
    return Meta(
        description=meaning,
        extra={"env": env, "unit": unit, "secret": secret},
        **bounds,
    )
