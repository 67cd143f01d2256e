"""What a route promises, beside its handler; `openapi.json` is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

KEY: Final = "contract"

GROUPS: Final = {
    "Sign-in": "From Telegram's init data to an access token.",
    "Catalogue": "What can be asked for and what it costs; the same for everybody.",
    "Uploads": "Photos to begin with: sent straight to where they are kept, and checked there.",
    "Generations": "Ask for pictures, see what became of them, cancel, throw away, take back.",
    "Moderation": "What is allowed: ask beforehand, object to a refusal.",
    "Sharing": "Show pictures to others by links that end, and see what others showed.",
    "Live": "What happens, as it happens, by server-sent events.",
    "Credits": "The balance, the ledger behind it, and buying more.",
    "Grants": "Credits that nobody paid for: promotions, friends who were invited, gifts.",
    "Account": "Who I am, what I chose, what is known of me, and the end of it.",
    "Webhooks": "What happens to your account, sent to a server of yours.",
    "Payments": "For those who take payments: what they tell us of them.",
    "Providers": "For those who make the pictures: what they tell us of their work.",
    "Telegram": "For Telegram: what happens in the bot's chats.",
    "API keys": "For servers that act for an account, without a person.",
    "Administration": "For admins: roles, bans, API customers. Every act is recorded for ever.",
    "Operations": "For those who run it: health, readiness, metrics, this contract.",
}
"""The groups that operations are shown in, in this order."""


class Contract(NamedTuple):
    """One operation of the API."""

    group: str
    """One of `GROUPS`."""
    name: str
    """Its `operationId`: unique, and kept when the handler is called something else."""
    summary: str
    """One sentence."""
    answers: dict[int, Any]
    """Status → a struct for JSON, a text as media type for other bodies, None for no body."""
    body: Any = None
    """The struct of the JSON body, or a union of several."""
    query: Any = None
    """The struct of the query parameters."""
    headers: tuple[str, ...] = ()
    """Request headers that the operation reads; see `openapi.HEADERS`."""
    problems: tuple[str, ...] = ()
    """Codes of refusals that are its own; those of every operation are not repeated."""
    public: bool = False
    """Whether it needs no sign-in."""
    scopes: tuple[str, ...] = ()
    """What an API key needs, all of them, of `permissions.SCOPES`; none: closed to API keys."""
    roles: tuple[str, ...] = ()
    """One of these, of `permissions.ROLES`, is needed by everybody; none: no role is."""
    gives: Mapping[str, str] = MappingProxyType({})
    """Path parameters of other operations that the answer names, and where in it (JSON pointer)."""
    details: str = ""
    """What a newcomer needs to know, in Markdown."""


def contract(
    group: str, name: str, summary: str, answers: dict[int, Any], **rest: Any
) -> dict[str, Contract]:
    """A handler's `opt` with its contract; a page for people that is no part of it has none."""
    return {KEY: Contract(group, name, summary, answers, **rest)}
