"""What to tell a person about a code in the log."""

from __future__ import annotations

from typing import Final

SENTENCES: Final = {
    "prohibited": "The prompt asks for something that is not allowed here. Nothing was charged.",
    "unavailable": "This model does not offer that quality at the moment. Nothing was charged.",
    "rate_limited": "You started too many generations in a short time. Nothing was charged.",
    "insufficient_credits": "You do not have enough credits. Nothing was charged.",
    "timed_out": "It could not be started in time. Nothing was charged; ask again with a new key.",
    "account_erased": "This account was erased.",
    "erased": "This account was erased.",
    "no_pictures": "No picture could be made. Your credits were returned.",
}
"""What to tell the person, by `error.code` of a generation."""

_ABOUT: Final = {
    "minors": "young people in a sexual way",
    "sexual": "something sexually explicit, or sexual violence",
    "consent": "undressing somebody, or deceiving about somebody",
    "violence": "gore",
    "terror": "praise of terrorists",
    "weapons": "instructions for a weapon",
    "self-harm": "instructions for self-harm",
    "hate": "hate against people for what they are",
    "fraud": "forged documents or money",
}
"""By category of the word lists: what a prompt seems to ask for."""


def prohibited_sentence(category: str | None) -> str:
    """Why the word lists refused a prompt, as far as it is known."""
    about = _ABOUT.get(category or "")
    if about is None:
        return SENTENCES["prohibited"]
    return (
        f"The prompt seems to ask for {about}, which is not allowed here. Nothing was charged. Say "
        "it in other words; if this is wrong, you can appeal."
    )
