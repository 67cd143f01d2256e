"""What a parameter may be, as small checks that are put together.

Each check takes the raw value and the parameter's full name (`line_items[0][quantity]`) and gives
the value that it means, or refuses with the code that the reference's list of error codes has for
it. Limits of metadata: reference, "Metadata". URLs: 5,000 characters (message as seen by users of
Checkout); http only for this machine, since live mode asks for https.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.stripe.errors import Invalid, NotModelled

Check = Callable[[Any, str], Any]

METADATA_KEYS_MAX = 50
METADATA_KEY_CHARACTERS_MAX = 40
METADATA_VALUE_CHARACTERS_MAX = 500
URL_CHARACTERS_MAX = 5_000
TEXT_CHARACTERS_MAX = 5_000
_HERE = {"localhost", "127.0.0.1", "[::1]", "::1"}


def _string(value: Any, param: str) -> str:
    if not isinstance(value, str):
        raise Invalid(f"Invalid string: {value}", param=param)
    if not value.strip():
        message = (
            f"You passed an empty string for '{param}'. We assume empty values are an attempt to "
            f"unset a parameter; however '{param}' cannot be unset."
        )
        raise Invalid(message, code="parameter_invalid_empty", param=param)
    return value


def text(length_max: int = TEXT_CHARACTERS_MAX) -> Check:
    def check(value: Any, param: str) -> str:
        if len(_string(value, param)) > length_max:
            message = f"Invalid string: {value[:20]}…; must be at most {length_max} characters"
            raise Invalid(message, param=param)
        return value

    return check


def integer(least: int = 0, most: int | None = None) -> Check:
    def check(value: Any, param: str) -> int:
        given = _string(value, param)
        digits = given.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            message = f"Invalid integer: {given}"
            raise Invalid(message, code="parameter_invalid_integer", param=param)
        number = int(given)
        bound = least if number < least else most
        if number < least or (most is not None and number > most):
            word = "greater" if number < least else "less"
            message = (
                f"This value must be {word} than or equal to {bound} (it currently is '{number}')."
            )
            raise Invalid(message, code="parameter_invalid_integer", param=param)
        return number

    return check


def choice(*values: str) -> Check:
    def check(value: Any, param: str) -> str:
        if _string(value, param) not in values:
            raise Invalid(f"Invalid {param}: must be one of {', '.join(values)}", param=param)
        return value

    return check


def flag(value: Any, param: str) -> bool:
    if _string(value, param) not in {"true", "false"}:
        raise Invalid(f"Invalid boolean: {value}", param=param)
    return value == "true"


def url(value: Any, param: str) -> str:
    if len(_string(value, param)) > URL_CHARACTERS_MAX:
        message = f"Invalid URL: URL must be {URL_CHARACTERS_MAX} characters or less."
        raise Invalid(message, param=param)
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in _HERE)):
        raise Invalid("Not a valid URL", code="url_invalid", param=param)
    return value


def metadata(value: Any, param: str) -> dict[str, str]:
    """Values that are empty unset their keys, and an empty string all of them."""
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise Invalid("Invalid object", param=param)
    if len(value) > METADATA_KEYS_MAX:
        message = f"Metadata can have up to {METADATA_KEYS_MAX} keys, but you've set {len(value)}."
        raise Invalid(message, param=param)
    for key, content in value.items():
        if len(key) > METADATA_KEY_CHARACTERS_MAX:
            limit = f"up to {METADATA_KEY_CHARACTERS_MAX} characters"
            raise Invalid(f"Metadata keys can have {limit}. Invalid key: {key}", param=param)
        if not isinstance(content, str):
            raise Invalid(f"Invalid val: {content} must be a string", param=f"{param}[{key}]")
        if len(content) > METADATA_VALUE_CHARACTERS_MAX:
            limit = f"up to {METADATA_VALUE_CHARACTERS_MAX} characters"
            raise Invalid(f"Metadata values can have {limit}.", param=f"{param}[{key}]")
    return {key: content for key, content in value.items() if content}


def several(check: Check, *, most: int) -> Check:
    """An array: names are the indices from 0 on."""

    def whole(value: Any, param: str) -> list[Any]:
        if not isinstance(value, dict) or {str(index) for index in range(len(value))} != set(value):
            raise Invalid("Invalid array", param=param)
        if len(value) > most:
            raise Invalid(f"Array {param} exceeded maximum {most} allowed elements.", param=param)
        return [check(value[str(index)], f"{param}[{index}]") for index in range(len(value))]

    return whole


def fields(
    *,
    required: Mapping[str, Check] | None = None,
    optional: Mapping[str, Check] | None = None,
    not_modelled: frozenset[str] = frozenset(),
) -> Check:
    """A hash, or with the name "" all the parameters of a call."""
    needed, known = required or {}, {**(required or {}), **(optional or {})}

    def check(value: Any, param: str) -> dict[str, Any]:
        def named(key: str) -> str:
            return f"{param}[{key}]" if param else key

        if not isinstance(value, dict):
            raise Invalid("Invalid object", param=param)
        for key in value:
            if key in not_modelled:
                raise NotModelled(named(key))
            if key not in known:
                message = f"Received unknown parameter: {named(key)}"
                raise Invalid(message, code="parameter_unknown", param=named(key))
        for key in needed:
            if key not in value:
                message = f"Missing required param: {named(key)}."
                raise Invalid(message, code="parameter_missing", param=named(key))
        return {key: known[key](content, named(key)) for key, content in value.items()}

    return check


def created(value: Any, param: str) -> dict[str, int]:
    """A time in seconds, or bounds of one."""
    if isinstance(value, str):
        return {"gte": integer()(value, param), "lte": int(value)}
    bounds = fields(optional=dict.fromkeys(("gt", "gte", "lt", "lte"), integer()))
    return bounds(value, param)


EXPAND = several(text(), most=20)
