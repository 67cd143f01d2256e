"""The checked-in contract is the one that the gateway serves, and says what the tests hold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from gateway.api.contract import KEY
from gateway.api.openapi import describe, generate
from gateway.app import routes_only
from gateway.web.errors import KINDS

CHECKED_IN = Path(__file__).parents[2] / "schemas" / "openapi.json"
PAGES = {
    *("/", "/docs", "/docs.js", "/s/{code:str}", "/s/{code:str}/photo.jpg"),
    *("/p/{permit:str}/photo.jpg", "/p/{permit:str}/thumbnail.jpg"),
}
"""For people's browsers; no part of what programs may count on."""
PUBLIC = {
    "/auth/login",
    "/providers/fal/webhook",  # signed
    "/providers/replicate/webhook",  # signed
    "/auth/oidc",
    "/healthz",
    "/metrics",
    "/models",
    "/openapi.json",
    "/packs",
    "/readyz",
    "/shared/{code}",  # by what only the link says
    "/styles",
    "/stripe/webhook",  # signed
    "/telegram/webhook",  # by its secret
}


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    return msgspec.json.decode(describe(routes_only()))


def test_the_checked_in_contract_is_current() -> None:
    """`python -m gateway.api.openapi` would change nothing."""
    assert CHECKED_IN.read_bytes() == generate()


def test_every_reference_leads_somewhere(contract: dict[str, Any]) -> None:
    """Every `$ref` names a component."""
    found = re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(contract))
    assert {one.split("/")[2] for one in found} == {"schemas", "responses", "examples"}
    for reference in set(found):
        _found(contract, {"$ref": reference})


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
            if handler.http_methods == {"OPTIONS"}:  # type: ignore[union-attr]
                continue
            if route.path not in PAGES:
                assert KEY in handler.opt, route.path


def test_every_refusal_that_is_promised_exists() -> None:
    """A route can only promise codes that `errors.KINDS` has."""
    for route in routes_only().routes:
        for handler in route.route_handlers:  # type: ignore[union-attr]
            if KEY in handler.opt:
                assert set(handler.opt[KEY].problems) <= KINDS.keys()


def test_every_id_in_a_path_is_given_by_some_answer(contract: dict[str, Any]) -> None:
    """Links lead to every operation on one thing, and from fields that the answer's shape has."""
    linked: set[str] = set()
    by_name = {one["operationId"]: (name, one) for name, one in _operations(contract)}
    for _, one in by_name.values():
        for _, answer in _answers(contract, one):
            for name, link in answer.get("links", {}).items():
                path, _ = by_name[link["operationId"]]
                assert {f"{{{given}}}" for given in link["parameters"]} == _named_in(path), name
                shown = answer["content"]["application/json"]["example"]
                for expression in link["parameters"].values():
                    if expression.startswith("$response.body#"):
                        _at(shown, expression.partition("#")[2])
                linked.add(name)
    assert linked == {name for name, (path, _) in by_name.items() if _named_in(path)}


def _named_in(path: str) -> set[str]:
    return set(re.findall(r"\{\w+\}", path))


def _at(document: Any, pointer: str) -> None:
    """Follow a JSON pointer; KeyError or IndexError: it leads nowhere."""
    for step in pointer.strip("/").split("/"):
        document = document[int(step) if step.isdigit() else step]


def _found(contract: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A part of the contract, from where it stands."""
    if "$ref" not in part:
        return part
    found = contract
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def _answers(contract: dict[str, Any], one: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """An operation's answers, by status."""
    return [(status, _found(contract, answer)) for status, answer in one["responses"].items()]


def _operations(contract: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", one)
        for path, methods in contract["paths"].items()
        for method, one in methods.items()
    ]


def test_every_operation_is_named_explained_and_grouped(contract: dict[str, Any]) -> None:
    """Each has a name of its own, a sentence, a description, and one of the listed groups."""
    operations = _operations(contract)
    names = [one["operationId"] for _, one in operations]
    assert len(set(names)) == len(names)
    groups = [tag["name"] for tag in contract["tags"]]
    assert {tag for _, one in operations for tag in one["tags"]} == set(groups)
    for name, one in operations:
        assert one["summary"].endswith("."), name
        assert len(one["description"]) > len("Does things."), name
        assert one["description"].endswith("."), name
        assert len(one["tags"]) == 1, name


def test_pages_for_people_are_no_part_of_it(contract: dict[str, Any]) -> None:
    """Nobody builds on the address of a script."""
    assert not PAGES & set(contract["paths"])


def test_every_example_fits_its_shape(contract: dict[str, Any]) -> None:
    """Bodies, answers and problems are shown by examples that validators take."""
    contents = []
    for name, one in _operations(contract):
        for status, answer in _answers(contract, one):
            contents += [(f"{name} {status}", each) for each in answer.get("content", {}).items()]
        contents += [(name, each) for each in one.get("requestBody", {}).get("content", {}).items()]
    for name, (media_type, content) in contents:
        schema = content["schema"] | {"components": contract["components"]}
        shown = [_found(contract, each)["value"] for each in content.get("examples", {}).values()]
        shown += [content["example"]] if "example" in content else []
        assert shown or "openapi" in name, f"{name}: {media_type} has no example"
        for example in shown:
            Draft202012Validator(schema).validate(example)


def test_every_refusal_is_shown_with_its_own_sentence(contract: dict[str, Any]) -> None:
    """A problem's example has its type, its status and a sentence for a person."""
    for name, one in _operations(contract):
        for status, answer in _answers(contract, one):
            problems = answer.get("content", {}).get("application/problem+json", {})
            for code, example in problems.get("examples", {}).items():
                value = _found(contract, example)["value"]
                assert value["type"].endswith(f"/{code}"), name
                assert value["status"] == int(status) == KINDS[code].status, name
                assert value["detail"].endswith("."), (name, code)
