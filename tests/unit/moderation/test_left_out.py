"""What is to be left out of a picture is shown to who reads prompts as that."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from processors.moderation.base import Checked
from processors.moderation.moderator import Moderator
from processors.worker.inspecting import Inspection
from tests.unit.providers.calls import asking


class Reader:
    """Somebody who reads, and lets everything pass."""

    name = "reader"
    version = "1"

    def __init__(self) -> None:
        self.read: list[str] = []

    async def text(self, text: str) -> Checked:
        self.read.append(text)
        return Checked()

    async def picture(self, _jpeg: bytes) -> Checked:
        raise AssertionError("there is no picture")

    async def close(self) -> None:
        """Nothing to give back."""


async def test_left_out() -> None:
    """A prompt alone is read as it is; a negative one says what it is."""

    async def patiently(tell: Any) -> None:
        await tell()

    async def append_verdict(*_: Any, **__: Any) -> None:
        """Nobody looks at it here."""

    reader = Reader()
    tools: Any = SimpleNamespace(moderator=Moderator(words=reader))
    job: Any = SimpleNamespace(allowed=False)
    caller: Any = SimpleNamespace(patiently=patiently)
    facts: Any = SimpleNamespace(append_verdict=append_verdict)
    inspection = Inspection(tools, job, facts, caller)
    await inspection.before(asking("a beach"))
    await inspection.before(asking("a beach", negative_prompt="nudity"))
    assert reader.read == ["a beach", "a beach\nNot to be shown: nudity"]
