"""What was said of prompts, photos and pictures, and what became of objections to it.

The first stage's word stands in `GenerationRequested` and in the decision that follows from it;
the second stage's, and that on finished pictures, are facts of their own.
"""

from __future__ import annotations

from events.admin import Act
from events.base import Fact, Sealed, Small
from events.ids import GenerationId, UuidText

WORDS = "words"
PROMPT = "prompt"
PHOTO = "photo"
PICTURE = "picture"
PASSED = "passed"
REFUSED = "refused"
UNAVAILABLE = "unavailable"
CHECKED = "checked"
UNCHECKED = "unchecked"


class ModerationVerdict(Fact, frozen=True, kw_only=True, gc=False, tag="ModerationVerdict.v1"):
    """A checker looked at what a generation starts from, or at what came of it."""

    generation_id: GenerationId
    stage: str
    """`prompt`, `photo` or `picture`; later also others."""
    verdict: str
    """`passed`, `refused`, or `unavailable`: nobody answered, and the settings say what then."""
    rule_id: str | None = None
    """What it is against, in the checker's own words: `sexual/minors`, for example."""
    reason: str
    """A stable code of the same: `sexual`, `minors`, `violence`, …; empty where it passed."""
    provider: str
    """Who looked: `openai`, `bedrock`, `rekognition`, …"""
    list_version: str
    """Of what it went by: the model that looked."""
    index: Small | None = None
    """Which photo or picture; None: the words."""
    round: Small = 1
    """2: of the picture that was made in place of one that was refused."""

    @property
    def stops(self) -> bool:
        """Whether nothing is made because of it: a refused picture is made again, or left out."""
        return self.verdict == REFUSED and self.stage != PICTURE


class AppealFiled(Fact, frozen=True, kw_only=True, gc=False, tag="AppealFiled.v1"):
    """A person objects to a refusal; once for each generation."""

    generation_id: GenerationId
    appeal_id: UuidText
    reason: str
    """Why the generation had ended: `prohibited`, `withheld`, …"""
    words: Sealed
    """What the person says."""


class AppealUpheld(Act, frozen=True, kw_only=True, gc=False, tag="AppealUpheld.v1"):
    """An admin looked at it, and the refusal stands; from `open` to `upheld`."""

    generation_id: GenerationId
    appeal_id: UuidText


class AppealOverturned(Act, frozen=True, kw_only=True, gc=False, tag="AppealOverturned.v1"):
    """The refusal was wrong; from `open` to `overturned`. The same may be asked again."""

    generation_id: GenerationId
    appeal_id: UuidText
    body_mac: str
    """Of the request that was refused (`GenerationRequested.body_mac`): a request of this account
    with the same one is admitted, whatever the word lists say, and not looked at again before it
    is made."""


MODERATION_FACTS = (ModerationVerdict, AppealFiled)
APPEAL_ACTS = (AppealUpheld, AppealOverturned)
