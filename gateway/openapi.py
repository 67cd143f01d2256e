"""The contract as OpenAPI 3.1, made of routes and structs: `python -m gateway.openapi`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Litestar

from gateway.contract import KEY, Contract
from gateway.errors import KINDS, TYPE_PREFIX

VERSION: Final = "1"
COMMON: Final = ("overloaded", "internal")
SIGNED_IN: Final = ("token-missing", "token-invalid", "account-erased")
WITH_BODY: Final = (
    "malformed-json",
    "invalid-request",
    "unsupported-media-type",
    "body-too-large",
    "body-too-slow",
)
HEADERS: Final[dict[str, dict[str, Any]]] = {
    "Idempotency-Key": {
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "description": "Names this request: repeated with the same key, it is the same request.",
    },
    "Prefer": {
        "required": False,
        "schema": {"type": "string"},
        "description": "`wait=N` (seconds) or `respond-async` (RFC 7240).",
    },
    "Consistency-Token": {
        "required": False,
        "schema": {"type": "string"},
        "description": "From an earlier answer: wait until what was written then can be read.",
    },
    "Last-Event-ID": {
        "required": False,
        "schema": {"type": "string"},
        "description": "The id of the last event that was received.",
    },
}
_PARAMETER = re.compile(r"\{(?P<name>\w+)(?::\w+)?\}")
_REFERENCES: Final = "#/components/schemas/{name}"


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong (RFC 9457)."""

    type: str
    """Stable; its end is the code."""
    title: str
    status: int
    detail: str
    """What happened and what to do, for a person."""
    instance: str
    retry_after: int | None = None
    """In seconds."""


def generate() -> bytes:
    """The checked-in contract, as `schemas/openapi.json` must be."""
    from gateway.app import routes_only

    return msgspec.json.format(describe(routes_only()), indent=2) + b"\n"


def describe(app: Litestar) -> bytes:
    """The contract of an app's routes, as compact JSON."""
    contracts = _contracts(app)
    structs = sorted(_structs(contracts), key=lambda struct: struct.__name__)
    _, components = msgspec.json.schema_components(structs, ref_template=_REFERENCES)
    paths: dict[str, dict[str, Any]] = {}
    for path, method, one, name in contracts:
        paths.setdefault(_PARAMETER.sub(r"{\g<name>}", path), {})[method] = _operation(
            path, one, name
        )
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Pixelpop",
            "version": VERSION,
            "description": (
                "AI images for credits. Refusals are problem documents (RFC 9457) with a stable "
                "`type`; times are RFC 3339 in UTC; unknown fields are refused."
            ),
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "telegram": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`tma <Telegram init data>`",
                },
            },
        },
    }
    return msgspec.json.encode(document)


def _contracts(app: Litestar) -> list[tuple[str, str, Contract, str]]:
    found = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            one = handler.opt.get(KEY)
            if one is None:
                continue  # OPTIONS, which Litestar adds by itself
            for method in sorted(handler.http_methods):
                path = getattr(route, "path_format", route.path)
                found.append((path, method.lower(), one, f"{handler.fn.__name__}"))
    return found


def _structs(contracts: list[tuple[str, str, Contract, str]]) -> set[Any]:
    structs: set[Any] = {ProblemDocument}
    for _, _, one, _ in contracts:
        structs |= {answer for answer in one.answers.values() if isinstance(answer, type)}
        structs |= {one.body} if one.body is not None else set()
    return structs


def _operation(path: str, one: Contract, name: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": one.summary,
        "tags": [path.split("/")[1] or "operations"],
        "responses": _responses(one),
    }
    if one.details:
        operation["description"] = one.details
    parameters = [*_path_parameters(path), *_query_parameters(one), *_header_parameters(one)]
    if parameters:
        operation["parameters"] = parameters
    if one.body is not None:
        reference = _REFERENCES.format(name=one.body.__name__)
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": reference}}},
        }
    if not one.public:
        operation["security"] = [{"bearer": []}, {"telegram": []}]
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    schema = {"type": "string", "format": "uuid"}
    return [
        {"name": found["name"], "in": "path", "required": True, "schema": schema}
        for found in _PARAMETER.finditer(path)
    ]


def _query_parameters(one: Contract) -> list[dict[str, Any]]:
    if one.query is None:
        return []
    (_,), components = msgspec.json.schema_components([one.query], ref_template=_REFERENCES)
    properties = components[one.query.__name__].get("properties", {})
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in properties.items()
    ]


def _header_parameters(one: Contract) -> list[dict[str, Any]]:
    return [{"name": name, "in": "header", **HEADERS[name]} for name in one.headers]


def _responses(one: Contract) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, answer in sorted(one.answers.items()):
        response: dict[str, Any] = {"description": "Done." if status < 300 else "See the body."}  # noqa: PLR2004  where HTTP's errors begin
        if isinstance(answer, str):
            response["content"] = {answer.partition(";")[0]: {"schema": {"type": "string"}}}
        elif answer is not None:
            reference = {"$ref": _REFERENCES.format(name=answer.__name__)}
            response["content"] = {"application/json": {"schema": reference}}
        responses[str(status)] = response
    problems = [*COMMON, *one.problems]
    problems += SIGNED_IN if not one.public else ()
    problems += WITH_BODY if one.body is not None else ()
    problems += ("invalid-parameter",) if one.query is not None else ()
    problems += ("not-found",)
    problems += ("not-caught-up",) if "Consistency-Token" in one.headers else ()
    by_status: dict[int, list[str]] = {}
    for code in problems:
        by_status.setdefault(KINDS[code].status, []).append(code)
    for problem_status, codes in sorted(by_status.items()):
        if str(problem_status) in responses:
            continue
        reference = {"$ref": _REFERENCES.format(name=ProblemDocument.__name__)}
        responses[str(problem_status)] = {
            "description": " or ".join(f"`{TYPE_PREFIX}{code}`" for code in codes),
            "content": {"application/problem+json": {"schema": reference}},
        }
    return responses


if __name__ == "__main__":
    target = Path(__file__).parents[1] / "schemas" / "openapi.json"
    target.write_bytes(generate())
    sys.stdout.write(f"{target}\n")
