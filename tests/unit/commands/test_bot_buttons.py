"""Buttons: what they say fits into Telegram's 64 bytes and is read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import bot_buttons
from commands.bot_buttons import Pressed, data, markup, read, under_result

ID = "0b7c9f4e-5f0d-5c6e-9a55-6f3b0a1c2d3e"


@pytest.mark.parametrize("act", sorted(bot_buttons.PICTURES))
def test_acts_come_back(act: str) -> None:
    """What a button about a picture says is read back as it was, and fits."""
    pressed = Pressed(act, ID, 3)
    assert read(data(pressed)) == pressed
    assert len(data(pressed).encode()) <= bot_buttons.DATA_BYTES_MAX


@given(st.text(max_size=80))
def test_anything_may_be_pressed(text: str) -> None:
    """Whatever a client makes up is read as nothing, or as something that we could have written."""
    pressed = read(text)
    assert pressed is None or read(f"{pressed.act}:{pressed.about}:{pressed.picture}") == pressed


@pytest.mark.parametrize(
    "text",
    ["", "again", f"again:{ID}", f"again:{ID}:-1", f"again:{ID}:1:2", "again:nobody:0", "x:y:0"],
)
def test_wrong_data_is_nothing(text: str) -> None:
    """Data that lacks a part, has one too many or names no thing says nothing."""
    assert read(text) is None


def test_too_long_is_refused() -> None:
    """Data that Telegram would refuse is refused where it is made."""
    with pytest.raises(ValueError, match="no callback data"):
        data(Pressed("buy", "x" * 64))


def test_a_result_has_its_six_buttons() -> None:
    """Again, vary, edit, share, delete, and the app: a MiniApp in private, a link elsewhere."""
    private = markup(under_result("en", ID, app_url="https://app.test", is_private=True))
    group = markup(under_result("ru", ID, app_url="https://t.me/b/a", is_private=False))
    flat = [one for row in private["inline_keyboard"] for one in row]
    assert [str(one.get("callback_data", "")).split(":")[0] for one in flat] == [
        *("again", "vary", "edit", "share", "delete"),
        "",
    ]
    assert flat[-1]["web_app"] == {"url": "https://app.test"}
    assert group["inline_keyboard"][-1][0]["url"] == "https://t.me/b/a"
