"""What to tell a person about a code in the log."""

from __future__ import annotations

from typing import Final

from commands.moderation import CATEGORIES
from commands.moderation.sentences import ABOUT

SENTENCES: Final = {
    "prohibited": "The prompt asks for something that is not allowed here. Nothing was charged.",
    "unavailable": "This model does not offer that quality at the moment. Nothing was charged.",
    "over_budget": (
        "No more pictures of this model can be made today. Nothing was charged. Choose another "
        "model, or try again tomorrow (UTC)."
    ),
    "rate_limited": "You started too many generations in a short time. Nothing was charged.",
    "batch_in_flight": (
        "Another batch of yours is not finished yet. Nothing was charged. Wait for it, or cancel "
        "it."
    ),
    "insufficient_credits": "You do not have enough credits. Nothing was charged.",
    "timed_out": "It could not be started in time. Nothing was charged; ask again with a new key.",
    "account_erased": "This account was erased.",
    "erased": "This account was erased.",
    "no_pictures": "No picture could be made. Your credits were returned.",
}
"""What to tell the person, by `error.code` of a generation."""


def prohibited_sentence(category: str | None) -> str:
    """Why a prompt was refused, as far as it is known."""
    about = ABOUT.get(category or "")
    if about is None:
        return SENTENCES["prohibited"]
    return (
        f"The prompt seems to ask for {about}, which is not allowed here. Nothing was charged. Say "
        "it in other words; if this is wrong, you can appeal."
    )


def refused_for(code: str, rule_id: str | None) -> str | None:
    """What it was refused for: the category of the lists' rule, or a checker's own word."""
    if code != "prohibited" or not rule_id:
        return None
    return CATEGORIES.get(rule_id, rule_id)


def error_sentence(code: str, category: str | None) -> str:
    """What to say of a generation without pictures, where nobody said it before."""
    if category is not None:
        return prohibited_sentence(category)
    return SENTENCES.get(code, "It could not be made. Your credits were returned.")
