"""What a person is told that a prompt or a photo seems to ask for, by category."""

from __future__ import annotations

from typing import Final

ABOUT: Final = {
    "minors": "young people in a sexual way",
    "sexual": "something sexually explicit, or sexual violence",
    "consent": "undressing somebody, or deceiving about somebody",
    "violence": "gore",
    "terror": "praise of terrorists",
    "weapons": "instructions for a weapon",
    "self-harm": "instructions for self-harm",
    "hate": "hate against people for what they are",
    "harassment": "threats against somebody",
    "fraud": "forged documents or money",
}
"""The word lists' categories, and the reasons of those who look after them."""
