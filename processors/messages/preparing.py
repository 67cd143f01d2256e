"""What a claimed message is to say and where, decided when it is sent; or why it is not sent."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from commands.bot_buttons import under_waiting
from processors.messages import batches, composing, telling
from processors.messages.composing import Content, Place
from processors.messages.facts import Batch, Facts, Generation, Person
from processors.messages.outbox import Claim
from processors.messages.telling import Note
from runtime.kafka.clock import BrokerClock
from runtime.objects import ObjectStore

DAY_MS: Final = 86_400_000
_ENDED: Final = frozenset({"done", "failed", "cancelled", "rejected"})
_WORTH_A_NOTICE: Final = frozenset({"done", "failed"})
"""How a generation that was not asked for in a chat ends when its person is written to: what was
cancelled or not admitted they were told when they did it."""


class Skip(msgspec.Struct, frozen=True):
    """Nothing is sent."""

    why: str


class Later(msgspec.Struct, frozen=True):
    """What it is about has not reached the read models yet."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A message that can be sent."""

    place: Place
    content: Content
    photo: bytes | None = None
    otherwise: Place | None = None
    """Where to send it when the message that it edits is gone; None: then it is not sent."""
    then: tuple[Note, ...] = ()
    """What follows once it was sent."""


class Preparer:
    """Looks up what a message says.

    Args:
        facts: what is known.
        objects: the pictures.
        clock: the log's.
        app_url: https address of the MiniApp; None: no button opens it.
    """

    def __init__(
        self, facts: Facts, objects: ObjectStore, clock: BrokerClock, *, app_url: str | None
    ) -> None:
        self._facts = facts
        self._objects = objects
        self._clock = clock
        self._app_url = app_url

    async def prepare(self, claim: Claim) -> Prepared | Skip | Later:
        """What to send.

        Raises:
            PixelpopError: a server does not answer.
        """
        person = await self._facts.person(claim.account_id)
        if person is None:
            return Skip("nobody")
        if claim.kind in {telling.STARTED, telling.ENDED, telling.PICTURE}:
            return await self._of_generation(claim, person)
        place = _private(person)
        return place if isinstance(place, Skip) else await self._of_account(claim, person, place)

    async def _of_account(self, claim: Claim, person: Person, place: Place) -> Prepared | Skip:
        match claim.kind:
            case telling.REFUNDED:
                content = composing.refunded(place, claim.detail, left=person.available)
                return Prepared(place=place, content=content)
            case telling.APPEAL:
                return Prepared(place=place, content=composing.appealed(place, claim.detail))
            case telling.EXPIRING:
                return await self._expiring(claim, person, place)
            case _:
                return Skip("unknown-kind")  # planned by a newer version

    async def _expiring(self, claim: Claim, person: Person, place: Place) -> Prepared | Skip:
        if not person.notifications:
            return Skip("not-wanted")
        begins = int(claim.about) * DAY_MS
        ending, first_ms = await self._facts.expiring(
            claim.account_id, max(begins - 1, self._clock.now_ms()), begins + DAY_MS - 1
        )
        if not ending:
            return Skip("nothing-left")
        return Prepared(place=place, content=composing.expiring(place, ending, first_ms))

    async def _of_generation(self, claim: Claim, person: Person) -> Prepared | Skip | Later:
        generation_id = UUID(claim.about)
        generation = await self._facts.generation(claim.account_id, generation_id)
        if generation is None:
            return Later()  # a fact is told as soon as it is read; the read models may be behind
        if generation.is_deleted:
            return Skip("deleted")
        place = await self._status_place(claim, person)
        if isinstance(place, Skip):
            return place
        if claim.kind == telling.STARTED:
            return _started(claim, generation, place)
        return await self._of_ended(claim, person, generation, place)

    async def _of_ended(
        self, claim: Claim, person: Person, generation: Generation, place: Place
    ) -> Prepared | Skip | Later:
        if generation.status not in _ENDED:
            return Later()
        if claim.kind == telling.PICTURE:
            return await self._picture(claim, generation, place)
        if place.edits is None:
            batch = await self._facts.batch(claim.account_id, UUID(claim.about))
            if batch is not None:
                return _of_batch(claim, person, generation, batch, place)
        return await self._ended(claim, person, generation, place)

    async def _ended(
        self, claim: Claim, person: Person, generation: Generation, place: Place
    ) -> Prepared | Skip:
        if place.edits is None and not (
            generation.status in _WORTH_A_NOTICE and person.notifications
        ):
            return Skip("not-wanted")
        content = composing.ended(
            place,
            claim.about,
            generation,
            claim.detail,
            left=person.available,
            app_url=self._button_url(place),
        )
        then: list[Note] = []
        if place.edits is not None and content.photo is not None:
            then = telling.pictures_after(
                str(claim.message_id), claim.about, len(generation.pictures)
            )
        return Prepared(
            place=place,
            content=content,
            photo=await self._photo(content),
            otherwise=msgspec.structs.replace(place, edits=None),
            then=tuple(then),
        )

    async def _picture(self, claim: Claim, generation: Generation, place: Place) -> Prepared | Skip:
        if claim.detail.index >= len(generation.pictures):
            return Skip("deleted")
        place = msgspec.structs.replace(place, edits=None, replies_to=place.edits)
        content = composing.picture(
            place,
            claim.about,
            generation,
            claim.detail.index,
            app_url=self._button_url(place),
        )
        photo = await self._photo(content)
        if photo is None:
            return Skip("no-picture")
        return Prepared(place=place, content=content, photo=photo)

    async def _status_place(self, claim: Claim, person: Person) -> Place | Skip:
        """The status message, or the chat with the bot."""
        found = await self._facts.status_message(claim.account_id, UUID(claim.about))
        if found is None:
            return _private(person)
        if found.chat_id is not None:
            return Place(chat_id=found.chat_id, language=found.language, edits=found.message_id)
        place = _private(person)
        if isinstance(place, Skip):
            return place
        return Place(chat_id=place.chat_id, language=found.language, edits=found.message_id)

    async def _photo(self, content: Content) -> bytes | None:
        return None if content.photo is None else await self._objects.get(content.photo)

    def _button_url(self, place: Place) -> str | None:
        """A MiniApp opens from private chats only."""
        return self._app_url if place.is_private else None


def _of_batch(
    claim: Claim, person: Person, generation: Generation, batch: Batch, place: Place
) -> Prepared | Skip | Later:
    if not person.notifications:
        return Skip("not-wanted")
    why_not = batches.who_tells(batch, UUID(claim.about), generation.status)
    if why_not == batches.LATER:
        return Later()
    if why_not is not None:
        return Skip("told-with-batch")
    content = batches.ended(place, batch, left=person.available)
    return Prepared(place=place, content=content)


def _started(claim: Claim, generation: Generation, place: Place) -> Prepared | Skip:
    if place.edits is None:
        return Skip("nowhere")
    if generation.status in _ENDED:
        return Skip("overtaken")
    rows = under_waiting(place.language, claim.about)
    return Prepared(place=place, content=composing.started(place, rows))


def _private(person: Person) -> Place | Skip:
    if person.chat_id is None:
        return Skip("not-in-telegram")
    if not person.reachable:
        return Skip("blocked")
    return Place(chat_id=person.chat_id, language=person.language)
