"""Signed pairs: how Telegram's sign-in data is written down, read so that no two ways remain.

Init data is URL-encoded pairs. What is checked is their check string: `name=value`, sorted, joined
by line feeds. Telegram does not say what to do with duplicates, or with characters that would let
two different texts have one check string; here they are refused before anything is compared.
"""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import Mapping
from typing import Final, NoReturn

from runtime.errors import PixelpopError

CHARS_MAX: Final = 8192
PAIRS_MAX: Final = 40

_CONFUSING = re.compile(r"%(?!(?:[2-6][0-9A-Fa-f]|7[0-9A-Ea-e]|[89A-Fa-f][0-9A-Fa-f]))")
"""Broken escapes, and those of control characters: a line feed could pass for the border of two
pairs."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class InitDataInvalid(PixelpopError):
    """The data is not what Telegram signed for this bot."""

    code = "init-data-invalid"


class InitDataExpired(InitDataInvalid):
    """It was signed too long ago, or in the future."""

    code = "init-data-expired"


def refuse(reason: str) -> NoReturn:
    """Refuse the data; the reason does not repeat it."""
    raise InitDataInvalid(f"The Telegram sign-in data cannot be used: {reason}.")


def parse(text: str) -> dict[str, str]:
    """The pairs of URL-encoded text, decoded once.

    Raises:
        InitDataInvalid: it is too long, no such text, or can be read in two ways.
    """
    if len(text) > CHARS_MAX or text.count("&") >= PAIRS_MAX:
        refuse("it is too long")
    if not text.isascii() or not text.isprintable() or _CONFUSING.search(text):
        refuse("it is not URL-encoded, or contains control characters")
    pairs: dict[str, str] = {}
    parts = text.replace("+", " ").split("&")
    for part in parts:
        name, equals, value = part.partition("=")
        try:
            if "%" in name:
                name = _unquote(name)
            if "%" in value:
                value = _unquote(value)
        except UnicodeDecodeError:
            refuse("it is not UTF-8")
        if not equals or not name or "=" in name:
            refuse("it is not a list of pairs")
        pairs[name] = value
    if len(pairs) < len(parts):
        refuse("it names something twice")
    return pairs


def _unquote(text: str) -> str:
    """Decode escapes that were found to be whole.

    Quoted-printable writes them with `=` for `%`; its decoder is in C and nine times as fast as
    urllib's, which is most of what a check costs.

    Raises:
        UnicodeDecodeError: they are not UTF-8.
    """
    return a2b_qp(text.replace("=", "=3D").replace("%", "=")).decode()


def check_string(pairs: Mapping[str, str]) -> str:
    """What is signed: `name=value`, sorted, joined by line feeds."""
    return "\n".join([f"{name}={pairs[name]}" for name in sorted(pairs)])


def refuse_control_characters(pairs: Mapping[str, str]) -> None:
    """Of pairs that did not come as URL-encoded text.

    Raises:
        InitDataInvalid: there are some, or a name holds what parts it from its value.
    """
    for name, value in pairs.items():
        if not name or "=" in name or _CONTROL.search(name) or _CONTROL.search(value):
            refuse("it contains control characters")


def refuse_age(auth_date: int, *, now_seconds: float, max_age_seconds: int, skew: int) -> None:
    """Refuse what was signed too long ago, or in the future.

    Args:
        auth_date: when Telegram signed it, in seconds since 1970.
        now_seconds: the time now.
        max_age_seconds: how old it may be.
        skew: how many seconds Telegram's clock may be ahead.

    Raises:
        InitDataExpired: with what to do.
    """
    age_seconds = now_seconds - auth_date
    if age_seconds > max_age_seconds:
        raise InitDataExpired(
            "The Telegram sign-in data is too old. Close the MiniApp and open it again."
        )
    if age_seconds < -skew:
        raise InitDataExpired("The Telegram sign-in data is dated in the future.")
