"""What a route promises, beside its handler; `openapi.json` is made of it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

KEY: Final = "contract"


class Contract(NamedTuple):
    """One operation of the API."""

    summary: str
    """One sentence."""
    answers: dict[int, Any]
    """Status → a struct for JSON, a text as media type for other bodies, None for no body."""
    body: Any = None
    """The struct of the JSON body."""
    query: Any = None
    """The struct of the query parameters."""
    headers: tuple[str, ...] = ()
    """Request headers that the operation reads; see `openapi.HEADERS`."""
    problems: tuple[str, ...] = ()
    """Codes of refusals that are its own; those of every operation are not repeated."""
    public: bool = False
    """Whether it needs no sign-in."""
    details: str = ""
    """More, in Markdown."""


def contract(summary: str, answers: dict[int, Any], **rest: Any) -> dict[str, Contract]:
    """A handler's `opt` with its contract."""
    return {KEY: Contract(summary, answers, **rest)}
