"""Which pages may call: origins as a whole, and nothing that looks like one."""

from __future__ import annotations

import pytest

from gateway.web.cors import Cors
from runtime.errors import SettingsError

APP = b"https://app.example"


def asked(origin: bytes | None, *more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return [*([(b"origin", origin)] if origin else []), *more]


def test_a_configured_origin_may_read_the_answer() -> None:
    """It is named itself, never `*`, and no credentials are allowed."""
    headers = dict(Cors("https://app.example, http://localhost:5173").headers(asked(APP)))
    assert headers[b"access-control-allow-origin"] == APP
    assert headers[b"vary"] == b"origin"
    assert b"retry-after" in headers[b"access-control-expose-headers"]
    assert b"access-control-allow-credentials" not in headers


@pytest.mark.parametrize(
    "origin",
    [
        b"https://app.example.evil.example",
        b"https://evil-app.example",
        b"http://app.example",
        b"https://app.example:444",
        b"HTTPS://APP.EXAMPLE",
        b"null",
        b"*",
        None,
    ],
)
def test_nobody_else_may(origin: bytes | None) -> None:
    """An origin that only resembles a configured one gets no leave, before or with the answer."""
    cors = Cors("https://app.example")
    assert dict(cors.headers(asked(origin))) == {b"vary": b"origin"}
    method = (b"access-control-request-method", b"POST")
    assert cors.preflight(asked(origin, method), b"GET, POST") == ()


def test_a_preflight_says_what_may_be_sent() -> None:
    """The methods that the address knows, the headers that the API reads, and for how long."""
    method = (b"access-control-request-method", b"POST")
    headers = dict(Cors("https://app.example").preflight(asked(APP, method), b"GET, POST"))
    assert headers[b"access-control-allow-methods"] == b"GET, POST"
    assert b"idempotency-key" in headers[b"access-control-allow-headers"]
    assert headers[b"access-control-max-age"] == b"600"


def test_without_origins_nothing_is_said() -> None:
    """The default: only its own pages may call."""
    assert Cors("").headers(asked(APP)) == ()


@pytest.mark.parametrize(
    "origin", ["*", "null", "app.example", "https://app.example/", "https://*"]
)
def test_what_is_no_origin_stops_the_start(origin: str) -> None:
    """The sentence names the setting and what stands in it."""
    with pytest.raises(SettingsError, match="PIXELPOP_CORS_ORIGINS"):
        Cors(f"https://good.example,{origin}")
