"""Mutations of credentials: bytes and characters anywhere, and the parts that the forms have."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Sequence
from urllib.parse import quote, unquote_plus

CHARACTERS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~%=&+/ \\\"'{}[]:;,@#\t\n\r\0"
    "\x7f\u00e9\u0660\uff10\u212a\u2028\u200b\U0001f511"
)
WORDS = (
    "%00", "%0a", "%0A", "%26", "%3D", "%25", "%2526", "%u0030", "%ff", "&", "=", ".", "..",
    "hash=",
    "&hash=", "&user=", "&auth_date=", "&signature=", "user=", "none", "null", "true", "-1", "1e9",
    '{"id":1}', "%7B%22id%22%3A1%7D", "e30", "bnVsbA", "\n", "\r\n", "\0", "\u00a0", "pp_live_",
    "../../dev/null", "0" * 64, "A" * 43, "9" * 30,
)  # fmt: skip

Mutation = Callable[[str, random.Random], str]


def mutate(genuine: Sequence[str], drawing: random.Random) -> str:
    """Another text than any of the genuine ones, made of one of them by one to six changes."""
    while True:
        text = drawing.choice(genuine)
        kinds = _kinds_for(text)
        for _ in range(drawing.choice((1, 1, 1, 2, 3, 6))):
            if drawing.random() < 0.1:
                text = _splice(text, drawing.choice(genuine), drawing)
            else:
                text = drawing.choice((*_ANY, *kinds))(text, drawing)
        if text not in genuine:
            return text


def _kinds_for(text: str) -> tuple[Mutation, ...]:
    """Those that know the form of a text."""
    if text.startswith("{"):
        return _OBJECT
    if text.count(".") == 2:
        return _TOKEN
    return _PAIRS if "&" in text else ()


def _flip(text: str, drawing: random.Random) -> str:
    if not text:
        return "x"
    at = drawing.randrange(len(text))
    return text[:at] + chr(ord(text[at]) ^ 1 << drawing.randrange(7)) + text[at + 1 :]


def _replace(text: str, drawing: random.Random) -> str:
    at = drawing.randrange(len(text) + 1)
    return text[:at] + drawing.choice(CHARACTERS) + text[at + 1 :]


def _insert(text: str, drawing: random.Random) -> str:
    at = drawing.randrange(len(text) + 1)
    return text[:at] + drawing.choice((*WORDS, *CHARACTERS)) + text[at:]


def _delete(text: str, drawing: random.Random) -> str:
    at = drawing.randrange(len(text) + 1)
    return text[:at] + text[at + drawing.choice((1, 1, 2, 8, 64)) :]


def _repeat(text: str, drawing: random.Random) -> str:
    at = drawing.randrange(len(text) + 1)
    end = at + drawing.choice((1, 4, 32, 400))
    return text[:end] + text[at:]


def _swap(text: str, drawing: random.Random) -> str:
    if len(text) < 2:
        return text + "a"
    at = drawing.randrange(len(text) - 1)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _case(text: str, drawing: random.Random) -> str:
    at = drawing.randrange(len(text) + 1)
    end = at + drawing.choice((1, 3, 1000))
    return text[:at] + text[at:end].swapcase() + text[end:]


def _around(text: str, drawing: random.Random) -> str:
    word = drawing.choice(WORDS)
    return drawing.choice(
        (word + text, text + word, f" {text}", f"{text}\n", text.rstrip("=") + "=")
    )


def _splice(text: str, other: str, drawing: random.Random) -> str:
    at = drawing.randrange(len(text) + 1)
    return text[:at] + other[drawing.randrange(len(other) + 1) :]


_ANY: tuple[Mutation, ...] = (
    _flip, _flip, _replace, _insert, _delete, _repeat, _swap, _case, _around
)  # fmt: skip


def _pairs(text: str, drawing: random.Random) -> str:
    """Pairs taken out, named twice, exchanged in their values, moved over a border."""
    parts = text.split("&")
    one, other = drawing.randrange(len(parts)), drawing.randrange(len(parts))
    how = drawing.randrange(7)
    name, _, value = parts[one].partition("=")
    if how == 0:
        parts.pop(one)
    elif how == 1:
        parts.insert(other, parts[one])
    elif how == 2:
        parts[one] = f"{name}={parts[other].partition('=')[2]}"
    elif how == 3:
        parts[one] = f"{name}={quote(unquote_plus(value, errors='replace') + ' ', safe='')}"
    elif how == 4:
        parts[one] = f"{name}={quote(value, safe='')}"
    elif how == 5:
        parts[one] = f"{name}={value}%0A{parts[other]}"
    else:
        parts[one] = f"{quote(name + '=' + value, safe='')}=" if value else name
    return "&".join(parts)


def _numbers(text: str, drawing: random.Random) -> str:
    """Another user, another time: what a forger wants."""
    digits = [at for at, character in enumerate(text) if character.isdigit()]
    if not digits:
        return text + "1"
    at = drawing.choice(digits)
    return text[:at] + str(drawing.randrange(10)) + text[at + 1 :]


_PAIRS: tuple[Mutation, ...] = (_pairs, _pairs, _numbers)


def _parts(text: str, drawing: random.Random) -> str:
    """Parts left out, exchanged, empty, doubled; a signature of another form."""
    parts = text.split(".")
    how, at = drawing.randrange(5), drawing.randrange(len(parts))
    if how == 0:
        parts[at] = ""
    elif how == 1:
        parts.insert(at, parts[at])
    elif how == 2:
        parts.pop(at)
    elif how == 3:
        parts.reverse()
    else:
        parts[at] += drawing.choice(("=", "==", "A", "\n", " ", "."))
    return ".".join(parts)


def _claims(text: str, drawing: random.Random) -> str:
    """A header or claims that say something else, under the signature that was there."""
    parts = text.split(".")
    at = drawing.randrange(min(2, len(parts)))
    try:
        value = json.loads(base64.urlsafe_b64decode(parts[at] + "=" * (-len(parts[at]) % 4)))
    except ValueError:
        return text + "."
    if not isinstance(value, dict):
        return text + ".."
    name = drawing.choice((*value, "alg", "kid", "crit", "jku", "jwk", "x5u", "aud", "exp", "b64"))
    value[name] = drawing.choice(
        ("none", "None", "HS512", "RS256", "ES256", "", None, 0, -1, 2**53, 1e308, True, [], {},
         ["exp"],
         "../../dev/null", "https://evil.example/key", "pixelpop/stream", value.get(name))
    )  # fmt: skip
    encoded = json.dumps(value, separators=drawing.choice(((",", ":"), (", ", ": ")))).encode()
    parts[at] = base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()
    return ".".join(parts)


_TOKEN: tuple[Mutation, ...] = (_parts, _claims, _claims)


def _fields(text: str, drawing: random.Random) -> str:
    """Fields of a JSON object's objects taken away, added, exchanged, of another type or name."""
    try:
        whole = json.loads(text)
        inner = next(one for one in whole.values() if isinstance(one, dict) and one)
    except (ValueError, AttributeError, StopIteration, RecursionError):
        return text + "}"
    names = [*inner]
    one, other = drawing.choice(names), drawing.choice(names)
    how = drawing.randrange(7)
    if how == 0:
        del inner[one]
    elif how == 1:
        inner[one], inner[other] = inner[other], inner[one]
    elif how == 2:
        inner[one] = f"{inner[one]}\n{other}={inner[other]}"
    elif how == 3:
        value = inner[one]
        inner[one] = str(value) if isinstance(value, int) else len(str(value))
    elif how == 4:
        value = inner.pop(one)
        inner[f"{one}={value}"] = value
    elif how == 5:
        inner[drawing.choice(("is_bot", "id", "auth_date", "user", "hash", "signature"))] = (
            drawing.choice((True, None, 1, 43, -1, 1e9, 2**53, "43", "", [], {}, "0" * 64))
        )
    else:
        inner[one] = {one: inner[one]}
    return json.dumps(whole, ensure_ascii=drawing.random() < 0.5)


def _twice(text: str, drawing: random.Random) -> str:
    """A field named once more, as it is or spelt in escapes."""
    name = drawing.choice(("id", "auth_date", "hash", "first_name", "login_widget", "\\u0069d"))
    at = drawing.choice((text.rfind("{"), text.find("{"))) + 1
    value = drawing.choice(("43", '"x"', "true"))
    return f'{text[:at]}"{name}": {value}, {text[at:]}'


_OBJECT: tuple[Mutation, ...] = (_fields, _fields, _fields, _twice, _numbers, _numbers)
