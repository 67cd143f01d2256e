"""What msgspec says of a value that it refused, as a clause that a person understands."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

NAME_CHARS_MAX: Final = 64
_PATH = re.compile(r" - at `(?P<path>[^`]*)`$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`", re.DOTALL)
_BOUND = re.compile(r"Expected `(?:int|float)(?: \| null)?` (?P<sign>[<>]=) (?P<bound>-?[0-9]+)")
_LENGTH = re.compile(
    r"Expected `(?P<kind>str|array)(?: \| null)?` of length (?P<sign>[<>]=) (?P<bound>[0-9]+)"
)
_TYPE = re.compile(r"Expected `(?P<kind>[a-z]+)(?: \| null)?`, got `.*`", re.DOTALL)
_CHOICE = re.compile(r"Invalid (?:enum )?value .*", re.DOTALL)
_KINDS: Final = {
    "int": "must be a whole number",
    "str": "must be a text",
    "bool": "must be `true` or `false`",
    "object": "must be a JSON object, in braces",
    "array": "must be a list, in brackets",
}
_UNITS: Final = {"str": ("character", "characters"), "array": ("entry", "entries")}
"""What lengths count: of one, and of any other number."""


class Refused(NamedTuple):
    """What cannot be used, and why."""

    field: str
    """Its name; empty: the whole."""
    reason: str
    """What to say after the name."""


def refused(message: str) -> Refused:
    """The field and the reason in a `msgspec.ValidationError`'s message."""
    found = _PATH.search(message)
    path = found["path"].removeprefix("$").removeprefix(".") if found else ""
    said = _PATH.sub("", message)
    if unknown := _UNKNOWN.fullmatch(said):
        return Refused(unknown["name"][:NAME_CHARS_MAX], "is not known here")
    if missing := _MISSING.fullmatch(said):
        return Refused(missing["name"], "is missing")
    return Refused(path[:NAME_CHARS_MAX], _reason(said))


def _reason(said: str) -> str:
    if bound := _BOUND.fullmatch(said):
        reason = f"must be {_limit(bound['sign'])} {bound['bound']}"
    elif length := _LENGTH.fullmatch(said):
        unit = _UNITS[length["kind"]][length["bound"] != "1"]
        reason = f"must have {_limit(length['sign'])} {length['bound']} {unit}"
    elif kind := _TYPE.fullmatch(said):
        reason = _KINDS.get(kind["kind"], "is of another type than it should be")
    elif _CHOICE.fullmatch(said):
        reason = "is not one of the values that can be chosen"
    elif "out of range" in said:
        reason = "is too large or too small a number"
    else:
        reason = "cannot be used as it is"
    return reason


def _limit(sign: str) -> str:
    return "at least" if sign == ">=" else "at most"
