"""The contract as OpenAPI 3.1, made of routes and structs: `python -m gateway.api.openapi`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import msgspec
from litestar import Litestar

from gateway.api import examples
from gateway.api.contract import GROUPS, KEY, Contract
from gateway.api.documents import says
from gateway.api.headers import HEADERS, PLAIN, SAID
from gateway.api.links import add_links
from gateway.api.refusals import Refusals
from gateway.web.front import ALWAYS
from gateway.web.kinds import KINDS

VERSION: Final = "1"
COMMON: Final = (
    "invalid-header",
    "headers-too-large",
    "address-too-long",
    "too-many-requests",
    "internal",
)
SIGNED_IN: Final = (
    "token-missing",
    "token-invalid",
    "init-data-invalid",
    "init-data-expired",
    "proof-used",
    "account-erased",
    "account-banned",
    "scope-missing",
    "database-unavailable",
)
WITH_BODY: Final = (
    "malformed-json",
    "invalid-request",
    "unsupported-media-type",
    "body-too-large",
    "body-too-deep",
    "body-too-slow",
)
_PARAMETER = re.compile(r"\{(?P<name>\w+)(?::\w+)?\}")
_REFERENCES: Final = "#/components/schemas/{name}"


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one field or parameter."""

    field: Annotated[str, says("Its name; empty: the whole body.")]
    reason: Annotated[str, says("What to say after the name.")]


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, says("Stable; its end is the code.")]
    title: str
    status: int
    detail: Annotated[str, says("What happened and what to do, for a person.")]
    instance: str
    retry_after: Annotated[int | None, says("In seconds; also sent as `Retry-After`.")] = None
    errors: Annotated[
        tuple[FieldProblem, ...],
        says("Of `invalid-request` and `invalid-parameter`: what is wrong with which field."),
    ] = ()
    generation_id: Annotated[
        str | None, says("Of what was decided about a generation: which one.")
    ] = None
    credits_needed: Annotated[int | None, says("Of `insufficient-credits`.")] = None
    reason: Annotated[str | None, says("Of `upload-refused`: why, as a code.")] = None
    credits_available: Annotated[int | None, says("Of `insufficient-credits`.")] = None


def generate() -> bytes:
    """The checked-in contract, as `schemas/openapi.json` must be."""
    from gateway.app import routes_only

    return msgspec.json.format(describe(routes_only()), indent=2) + b"\n"


def describe(app: Litestar) -> bytes:
    """The contract of an app's routes, as compact JSON."""
    contracts = sorted(_contracts(app), key=_order)
    structs = sorted(_structs(contracts), key=lambda struct: struct.__name__)
    _, components = msgspec.json.schema_components(structs, ref_template=_REFERENCES)
    paths: dict[str, dict[str, Any]] = {}
    refusals = Refusals()
    for path, method, one in contracts:
        shown = paths.setdefault(_PARAMETER.sub(r"{\g<name>}", path), {})
        shown[method] = _operation(path, one, refusals)
    add_links(paths, contracts)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Pixelpop",
            "version": VERSION,
            "description": (
                "AI images for credits. Refusals are problem documents (RFC 9457) with a stable "
                "`type` and a `detail` for people; times are RFC 3339 in UTC; unknown fields are "
                "refused. An answer's `Consistency-Token`, sent back with a later request, lets it "
                "see what was written. Browsers may call it from its own origin only."
            ),
        },
        "tags": [{"name": name, "description": text} for name, text in GROUPS.items()],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            **refusals.components(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "api_key": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "pp_live_…",
                    "description": "An API key with the scopes that the operation names.",
                },
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


def _contracts(app: Litestar) -> list[tuple[str, str, Contract]]:
    found = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            one = handler.opt.get(KEY)
            if one is None:
                continue  # a page for people, or OPTIONS, which Litestar adds by itself
            for method in sorted(handler.http_methods):
                path = getattr(route, "path_format", route.path)
                found.append((path, method.lower(), one))
    return found


def _order(found: tuple[str, str, Contract]) -> tuple[int, str, int]:
    path, method, one = found
    return list(GROUPS).index(one.group), path, ("post", "get", "patch", "delete").index(method)


def _structs(contracts: list[tuple[str, str, Contract]]) -> set[Any]:
    structs: set[Any] = {ProblemDocument}
    for _, _, one in contracts:
        structs |= {answer for answer in one.answers.values() if isinstance(answer, type)}
        structs |= set(_bodies(one))
    return structs


def _operation(path: str, one: Contract, refusals: Refusals) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": one.details,
        "tags": [one.group],
        "responses": _responses(path, one, refusals),
    }
    parameters = [*_path_parameters(path), *_query_parameters(one), *_header_parameters(one)]
    if parameters:
        operation["parameters"] = parameters
    if one.body is not None:
        content = {"application/json": _body(_bodies(one))}
        operation["requestBody"] = {"required": True, "content": content}
    if not one.public:
        operation["security"] = [{"bearer": []}, {"telegram": []}]
        if one.scopes:
            operation["security"].append({"api_key": list(one.scopes)})
    return operation


def _bodies(one: Contract) -> tuple[Any, ...]:
    """The structs that the body may be: of a union, which a field tells apart, all of them."""
    return () if one.body is None else get_args(one.body) or (one.body,)


def _body(structs: tuple[Any, ...]) -> dict[str, Any]:
    references = {struct: _REFERENCES.format(name=struct.__name__) for struct in structs}
    shown = {struct: msgspec.to_builtins(examples.BY_SHAPE[struct]) for struct in structs}
    if len(structs) == 1:
        return {"schema": {"$ref": references[structs[0]]}, "example": shown[structs[0]]}
    tags = {struct: struct.__struct_config__ for struct in structs}
    return {
        "schema": {
            "oneOf": [{"$ref": references[struct]} for struct in structs],
            "discriminator": {
                "propertyName": tags[structs[0]].tag_field,
                "mapping": {str(tags[struct].tag): references[struct] for struct in structs},
            },
        },
        "examples": {str(tags[struct].tag): {"value": shown[struct]} for struct in structs},
    }


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


def _responses(path: str, one: Contract, refusals: Refusals) -> dict[str, Any]:
    responses = {
        str(status): _response(one, status, answer) for status, answer in one.answers.items()
    }
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(_problems(path, one)):
        by_status.setdefault(KINDS[code].status, []).append(code)
    for status, codes in sorted(by_status.items()):
        if str(status) not in responses:
            responses[str(status)] = refusals.answer(status, codes)
    return dict(sorted(responses.items()))


def _response(one: Contract, status: int, answer: Any) -> dict[str, Any]:
    response: dict[str, Any] = {"description": SAID[status]}
    if isinstance(answer, str):
        media_type = answer.partition(";")[0]
        response["content"] = {media_type: PLAIN[media_type]}
    elif answer is not None:
        example = examples.OF_ANSWER.get((one.name, status)) or examples.BY_SHAPE[answer]
        reference = {"$ref": _REFERENCES.format(name=answer.__name__)}
        response["content"] = {
            "application/json": {"schema": reference, "example": msgspec.to_builtins(example)}
        }
    return response


def _problems(path: str, one: Contract) -> list[str]:
    """The codes of all refusals that the operation may answer with."""
    problems = [*one.problems, *COMMON]
    problems += ("overloaded",) if path not in ALWAYS else ()
    problems += SIGNED_IN if not one.public else ()
    problems += ("role-missing",) if one.roles else ()
    problems += WITH_BODY if one.body is not None else ()
    problems += ("invalid-parameter",) if one.query is not None else ()
    problems += ("not-found",) if _PARAMETER.search(path) else ()
    if "Consistency-Token" in one.headers:
        problems += ("not-caught-up", "cursor-invalid")
    return problems


if __name__ == "__main__":
    target = Path(__file__).parents[2] / "schemas" / "openapi.json"
    target.write_bytes(generate())
    sys.stdout.write(f"{target}\n")
