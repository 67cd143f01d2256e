"""Reading requests: bodies within their bounds, headers, JSON without surprises."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar

import msgspec

from events.ids import is_uuid
from gateway.web.errors import Problem, field_problem
from gateway.web.reasons import refused
from runtime.errors import PixelpopError
from runtime.settings import Settings

Headers = Iterable[tuple[bytes, bytes]]
"""Names in lower case, as ASGI has them; iterated more than once."""
Receive = Callable[[], Awaitable[Any]]
Kind = TypeVar("Kind")

DISCARDED_BYTES_MAX: Final = 1_048_576
DISCARD_SECONDS_MAX: Final = 1.0
OPENING: Final = (b"[", b"{")
CLOSING: Final = (b"]", b"}")
JSON_DEPTH_MAX: Final = 32
"""Arrays and objects within each other; no body here needs more than a few."""
_VISIBLE = re.compile(rb"[\x21-\x7e]+")
_STRINGS = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"\s*(:?)')
"""Each string of a JSON text, and the colon behind it if it is a name."""
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""Each bracket, and each string whole, ended or not: whatever comes, one pass reads it."""
_JSON_TYPES: Final = (b"application/json",)


class BodyTooLarge(PixelpopError):
    """The body is larger than `body_max_bytes`."""

    code = "body-too-large"


class BodyTooSlow(PixelpopError):
    """The body did not come within `body_timeout_seconds`."""

    code = "body-too-slow"


class ClientGone(PixelpopError):
    """The client went away before it had sent its whole body; nobody reads the answer."""

    code = "http-error"


def header_in(headers: Headers, name: bytes) -> bytes | None:
    """The first header of that lower-case name."""
    for one, value in headers:
        if one == name:
            return value
    return None


def refuse_large(scope: Any, settings: Settings) -> None:
    """Refuse a request whose headers or address are larger than anybody needs.

    Raises:
        Problem: they are.
    """
    headers = scope["headers"]
    if sum([len(name) + len(value) for name, value in headers]) > settings.headers_max_bytes:
        most = settings.headers_max_bytes
        raise Problem("headers-too-large", f"The headers are larger than {most} bytes together.")
    if len(scope["path"]) + len(scope["query_string"]) > settings.address_max_bytes:
        most = settings.address_max_bytes
        raise Problem("address-too-long", f"The address is longer than {most} bytes.")


async def read_body(
    headers: Headers, receive: Receive, *, max_bytes: int, timeout_seconds: float
) -> bytes:
    """The whole body.

    Raises:
        BodyTooLarge, BodyTooSlow, ClientGone: nothing more of it is read.
    """
    length = header_in(headers, b"content-length")
    too_large = length is not None and length.isdigit() and int(length[:12]) > max_bytes
    try:
        async with asyncio.timeout(timeout_seconds):
            body = b"" if too_large else await _read(receive, max_bytes)
            if body is not None and not too_large:
                return body
    except TimeoutError:
        raise BodyTooSlow("The body took too long to arrive. Send it again.") from None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS_MAX):
            await _discard(receive)
    raise _too_large(max_bytes)


async def _read(receive: Receive, max_bytes: int) -> bytes | None:
    """The body; None if it is larger than `max_bytes`."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone("The client went away.")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > max_bytes:
            if not more:
                raise _too_large(max_bytes)
            return None
        if not more:
            return bytes(body)


async def _discard(receive: Receive) -> None:
    """Take in some more of a body that is refused.

    A client that is answered while it still sends may only see that its connection was cut; most
    of those that send too much send little too much, and can be told.
    """
    left = DISCARDED_BYTES_MAX
    while left > 0:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone("The client went away.")
        left -= len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {max_bytes} bytes, which is the most taken here.")


def decode_json(headers: Headers, body: bytes, decoder: msgspec.json.Decoder[Kind]) -> Kind:
    """Decode a JSON body strictly.

    Raises:
        Problem: another media type, no JSON, or fields that cannot be used, each named.
    """
    media_type = header_in(headers, b"content-type") or b""
    if media_type.split(b";", 1)[0].strip().lower() not in _JSON_TYPES:
        raise Problem("unsupported-media-type", "Send the body as Content-Type: application/json.")
    _refuse_deep(body)
    try:
        decoded = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise field_problem(*refused(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if (header_in(headers, b"content-encoding") or b"identity").lower() != b"identity":
            raise Problem(
                "unsupported-media-type", "Send the body as it is, without a Content-Encoding."
            ) from error
        raise Problem(
            "malformed-json", "The body is not valid JSON in UTF-8. Check it and send it again."
        ) from error
    _refuse_repeated_names(body)
    return decoded


def _refuse_deep(body: bytes) -> None:
    """Refuse what is nested too deeply, before anything follows it down.

    Most bodies are told by their brackets alone; only one with many is looked at more closely.
    """
    if body.count(b"[") + body.count(b"{") <= JSON_DEPTH_MAX:
        return
    depth = 0
    for found in _BRACKETS.finditer(body):
        bracket = found[0]
        if bracket in OPENING:
            depth += 1
        elif bracket in CLOSING:
            depth -= 1
        if depth > JSON_DEPTH_MAX:
            raise Problem(
                "body-too-deep", f"The body nests more than {JSON_DEPTH_MAX} levels. Flatten it."
            )


def _refuse_repeated_names(body: bytes) -> None:
    """Refuse an object that says a thing twice: which of the two was meant?

    The body was decoded already, so it is JSON, and objects in it have known names only.
    """
    names = [name for name, colon in _STRINGS.findall(body) if colon]
    if any(b"\\" in name for name in names):
        names = [msgspec.json.decode(b'"' + name + b'"').encode() for name in names]
    if len(names) > len(set(names)):  # in one object, or in several, as in a batch
        json.loads(body, object_pairs_hook=_refuse_repeated)


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise field_problem(name, "is given more than once")


def refuse_null_characters(body: bytes) -> None:
    """Refuse a text with U+0000, which the database takes in none of its texts.

    The body was decoded already, so it is JSON, where that character is always written so.
    """
    if b"\\u0000" in body and (found := _with_null(msgspec.json.decode(body))):
        raise field_problem(found, "holds a character that no text here has")


def _with_null(value: Any, path: str = "") -> str | None:
    """The name of the first value that has it."""
    if isinstance(value, dict):
        parts = [(f"{path}.{name}" if path else name, one) for name, one in value.items()]
    elif isinstance(value, list):
        parts = [(f"{path}[{place}]", one) for place, one in enumerate(value)]
    else:
        return path if isinstance(value, str) and "\x00" in value else None
    return next(filter(None, (_with_null(one, name) for name, one in parts)), None)


def id_in_path(text: str, what: str) -> str:
    """A UUID from the address, in canonical form.

    Raises:
        Problem: it is none, so nothing can have it.
    """
    if not is_uuid(text):
        raise Problem("not-found", f"There is no {what} with this id.")
    return text


def visible_ascii(value: bytes, chars_max: int) -> str | None:
    """A header's value, if it is 1 to `chars_max` visible ASCII characters; else None."""
    if len(value) > chars_max or _VISIBLE.fullmatch(value) is None:
        return None
    return value.decode("ascii")
