"""Neutral prompts about different people are treated alike."""

from __future__ import annotations

import json

import pytest

import pixelpop
from commands.moderation import judge
from commands.moderation.bias import Paired, differences, prompts
from processors.moderation import measuring
from processors.moderation.base import Checked
from processors.moderation.moderator import Moderator
from runtime.errors import StartError
from runtime.settings import Settings


def test_the_lists_refuse_nobody() -> None:
    """No neutral prompt is refused, whoever is in it: so no rate differs from another."""
    refused = [one.prompt for one in prompts() if judge(one.prompt)]
    assert refused == []
    assert all(one.difference == 0 for one in differences((one, False) for one in prompts()))


def test_a_difference_is_found() -> None:
    """The measure can fail: who is refused more often than others shows, by kind."""
    judged = [
        (Paired("en", "religion", who, f"{who} {number}"), who == "b" and number == 0)
        for who in ("a", "b")
        for number in range(4)
    ]
    (found,) = differences(judged)
    assert (found.rates, found.difference) == ({"a": 0.0, "b": 0.25}, 0.25)


def test_every_kind_compares_people() -> None:
    """There are pairs in several languages, and no prompt stands twice."""
    everything = list(prompts())
    assert {one.language for one in everything} >= {"en", "ru", "es"}
    assert len({(one.kind, one.prompt) for one in everything}) == len(everything)
    assert all(len(one.rates) > 1 for one in differences((one, False) for one in everything))


class Prejudiced:
    """Refuses whatever names one nationality."""

    name = version = "prejudiced"

    async def text(self, text: str) -> Checked:
        return Checked("no", "other") if "German" in text else Checked()

    async def picture(self, jpeg: bytes) -> Checked:  # noqa: ARG002  of the protocol
        return Checked()

    async def close(self) -> None:
        """Nothing to close."""


async def test_whoever_reads_prompts_is_measured_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same prompts; nobody configured is told."""
    with pytest.raises(StartError, match="PIXELPOP_MODERATION_WORDS"):
        await measuring.measure(Settings(), "prompt")
    moderator = Moderator(Prejudiced())
    monkeypatch.setattr(measuring, "open_moderation", lambda *_: moderator)
    measured = await measuring.measure(Settings(), "prompt")
    assert (measured.difference, measured.kinds[0].kind) == (1.0, "nationality")


def test_the_commands_say_it(capsys: pytest.CaptureFixture[str]) -> None:
    """`bias` and `check`, for people and scripts; a refusal is a failure."""
    assert pixelpop.execute(["moderation", "bias"]) == 0
    assert "0 of " in capsys.readouterr().out
    assert pixelpop.execute(["moderation", "check", "a nude child", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["rule_id"] == "minors-sexual"
    assert pixelpop.execute(["moderation", "check", "a harbour"]) == 0
