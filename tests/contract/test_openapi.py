"""The checked-in contract is the one that the gateway serves, and says what the tests hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from gateway.app import routes_only
from gateway.contract import KEY
from gateway.errors import KINDS
from gateway.openapi import describe, generate

CHECKED_IN = Path(__file__).parents[2] / "schemas" / "openapi.json"
PUBLIC = {
    "/",
    "/auth/login",
    "/docs",
    "/docs.js",
    "/healthz",
    "/metrics",
    "/models",
    "/openapi.json",
    "/packs",
    "/readyz",
    "/styles",
}


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    return msgspec.json.decode(describe(routes_only()))


def test_the_checked_in_contract_is_current() -> None:
    """`python -m gateway.openapi` would change nothing."""
    assert CHECKED_IN.read_bytes() == generate()


def test_every_reference_leads_somewhere(contract: dict[str, Any]) -> None:
    """No `$ref` is broken."""
    names = set(contract["components"]["schemas"])
    text = msgspec.json.encode(contract).decode()
    for reference in text.split('"$ref":"')[1:]:
        assert reference.split('"')[0].rpartition("/")[2] in names


def test_every_shape_is_valid_json_schema(contract: dict[str, Any]) -> None:
    """Every component is a schema that validators take."""
    for schema in contract["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_all_but_the_public_routes_need_a_sign_in(contract: dict[str, Any]) -> None:
    """What is public is listed here by hand; a new route that forgets its sign-in shows."""
    public = {
        path
        for path, methods in contract["paths"].items()
        for one in methods.values()
        if "security" not in one
    }
    assert public == PUBLIC


def test_every_route_has_a_contract() -> None:
    """No handler is served that the contract does not know."""
    for route in routes_only().routes:
        for handler in route.route_handlers:  # type: ignore[union-attr]
            if handler.http_methods != {"OPTIONS"}:  # type: ignore[union-attr]
                assert KEY in handler.opt, route.path


def test_every_refusal_that_is_promised_exists() -> None:
    """A route can only promise codes that `errors.KINDS` has."""
    for route in routes_only().routes:
        for handler in route.route_handlers:  # type: ignore[union-attr]
            if KEY in handler.opt:
                assert set(handler.opt[KEY].problems) <= KINDS.keys()
