"""Claims about what is told while a picture is made: little, sealed where personal, never late."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from events.ids import AccountId, GenerationId
from events.live import PartialPreview, Progress, decode_live, partial_id
from processors.images import UnusableImage
from processors.pictures.partial import SIDE_PIXELS, small
from processors.providers import drawing
from processors.worker import pace
from processors.worker.live import Live
from processors.worker.pace import Pace
from runtime.crypto.keys import new_account_key
from runtime.crypto.sealing import unseal
from runtime.waiting import until

ACCOUNT = AccountId("7e5ba6f0-0000-4000-8000-00000000000a")
GENERATION = GenerationId("7e5ba6f0-0000-5000-8000-000000000001")


class Heard:
    """A producer that keeps what it is given."""

    def __init__(self) -> None:
        self.told: list[Progress | PartialPreview] = []

    async def append(self, topic: str, outgoing: Any) -> None:
        assert topic == "pixelpop.live.v1"
        self.told.append(decode_live(outgoing.value))


class Keys:
    """One account's key."""

    def __init__(self) -> None:
        self.key = new_account_key()

    async def get(self, _: UUID) -> bytes:
        return self.key


async def test_two_in_a_second_and_the_newest_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what comes too fast only the newest is told, and never three within one second."""
    monkeypatch.setattr(pace, "SECONDS", 0.2)
    told: list[object] = []
    one = Pace(told.append)
    for number in range(100):
        one.offer(number)
    first = one._sent[0]
    assert told == [0, 1]
    await until(lambda: len(told) == 3, 10, what="the newest")
    assert told == [0, 1, 99]
    assert one._sent[-1] - first >= 0.2


async def test_each_kind_waits_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress does not push a preview out of the line, nor the other way round."""
    monkeypatch.setattr(pace, "SECONDS", 0.05)
    told: list[object] = []
    one = Pace(told.append)
    for message in (0, 1, "first", 2, "second", 3):
        one.offer(message)
    await until(lambda: len(told) == 4, 10, what="the newest of each kind")
    assert told == [0, 1, "second", 3]


async def test_nothing_is_told_of_what_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's end gives up what still waits: nobody hears of progress after the result."""
    heard = Heard()
    live = Live(heard)
    for percent in range(5):
        live.tell(ACCOUNT, GENERATION, "drawing", percent)
    live.over(GENERATION)
    assert live._paces == {}
    live.tell(ACCOUNT, GENERATION, "drawing", 50)
    await until(lambda: len(heard.told) == 3, 10, what="those that were let through")
    assert [one.percent for one in heard.told] == [0, 1, 50]


async def test_a_partial_preview_is_small_and_sealed() -> None:
    """Only who has the account's key sees it; nothing of the picture stands there in clear."""
    heard, keys = Heard(), Keys()
    with ThreadPoolExecutor(1) as executor:
        live = Live(heard, keys, executor)
        live.tell(ACCOUNT, GENERATION, "drawing", 10)
        live.show(ACCOUNT, GENERATION, 2, drawing.draw(3, "photo", (1024, 768), "standard"))
        await until(lambda: len(heard.told) == 2, 10, what="the preview")
    told = heard.told[1]
    assert isinstance(told, PartialPreview)
    text = unseal(
        keys.key,
        told.image,
        account_id=UUID(ACCOUNT),
        event_id=UUID(partial_id(GENERATION, 2)),
        field="image",
    )
    with Image.open(BytesIO(base64.b64decode(text))) as shown:
        assert (shown.format, max(shown.size)) == ("WEBP", SIDE_PIXELS)
    assert "UklGR" not in told.image


async def test_what_cannot_be_shown_is_left_out() -> None:
    """Bytes that are no picture, and a picture that comes after the end, are told to nobody."""
    heard = Heard()
    with ThreadPoolExecutor(1) as executor:
        live = Live(heard, Keys(), executor)
        live.tell(ACCOUNT, GENERATION, "drawing", 10)
        live.show(ACCOUNT, GENERATION, 0, b"no picture")
        live.over(GENERATION)
        live.show(ACCOUNT, GENERATION, 0, drawing.flat((64, 64), (1, 2, 3)))
        await until(lambda: not live._waiting, 10, what="both to be done")
    assert [type(one) for one in heard.told] == [Progress]
    with pytest.raises(UnusableImage):
        small(b"no picture")
