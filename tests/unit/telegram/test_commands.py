"""What is read as a command, and what people are told when it does not work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.wording import LANGUAGES, say
from gateway.telegram.bot import failing
from gateway.telegram.bot.commands import BY_NAME, COMMANDS, Written, read
from gateway.web.errors import KINDS


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/start", Written("start", "")),
        ("/START", Written("start", "")),
        ("/generate a cat  on a mat ", Written("generate", "a cat  on a mat")),
        ("/generate\na cat\non a mat", Written("generate", "a cat\non a mat")),
        ("/generate@Pixelpop_Bot a cat", Written("generate", "a cat")),
        ("/generate@other_bot a cat", None),
        ("/", None),
        ("/ generate", None),
        ("generate", None),
        ("", None),
        ("hello /generate", None),
    ],
)
def test_commands(text: str, command: Written | None) -> None:
    """A command stands first, in any case, perhaps with this bot's name; its words follow."""
    assert read(text, "pixelpop_bot") == command


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    """Whatever people write is a command with words, or none."""
    written = read(text, "pixelpop_bot")
    assert written is None or (text.startswith("/") and written.name)


def test_while_the_name_is_not_known() -> None:
    """A bot that does not know its own name takes every command as its own."""
    assert read("/help@somebody", None) == Written("help", "")


def test_every_command_is_there() -> None:
    """The commands that people were promised."""
    assert BY_NAME.keys() >= {
        *("start", "generate", "edit", "balance", "buy", "history", "styles", "help", "terms"),
        *("privacy", "support", "paysupport", "language", "appeal"),
    }
    assert len(BY_NAME) == len(COMMANDS)


def test_what_is_said_of_problems() -> None:
    """Each problem that is told in words of its own exists, and has them in each language."""
    assert failing.SAID.keys() <= KINDS.keys()
    for code, key in failing.SAID.items():
        told = {"reason": "other"} if code == "prohibited" else {}
        assert len({say(language, key, **told) for language in LANGUAGES}) == len(LANGUAGES)
