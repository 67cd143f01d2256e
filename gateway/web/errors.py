"""What went wrong, as a problem document (RFC 9457); the only place where errors become HTTP.

Every refusal has a code that never changes: it is the end of the problem's `type`. A problem never
shows a traceback or a message of the code's own; what nobody foresaw is `internal`.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import asyncpg
import msgspec
import structlog
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.exceptions import ValidationException as ParameterInvalid

from commands.requests import InvalidRequest
from gateway.web.hidden_details import HIDDEN_DETAILS
from gateway.web.kinds import KINDS
from runtime.errors import PixelpopError

_log = structlog.get_logger(__name__)

TYPE_PREFIX: Final = "https://pixelpop.app/problems/"
MEDIA_TYPE: Final = b"application/problem+json"
RETRY_AFTER_SECONDS: Final = 1
"""For 503s that do not know better."""


class Answer(NamedTuple):
    """A whole response."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


_CODES_BY_STATUS: Final = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}


class Problem(PixelpopError):
    """A refusal; `code` is one of `KINDS`.

    Args:
        code: what happened.
        detail: a sentence that says what happened and what to do.
        headers: for the response, e.g. `Retry-After`.
        members: further members of the document.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        headers: Sequence[tuple[bytes, bytes]] = (),
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.code = code  # type: ignore[misc]  # one class, many codes
        self.headers = list(headers)
        self.members = members


class Overloaded(PixelpopError):
    """More requests are under way than this process takes on."""

    code = "overloaded"
    retryable = True


def sentence(code: str) -> str:
    """What a person is told of an error whose own message is for operators.

    Raises:
        KeyError: of this code the message is its own.
    """
    return HIDDEN_DETAILS[code]


def field_problem(field: str, reason: str) -> Problem:
    """The refusal of one field of a body."""
    return Problem(
        "invalid-request",
        f"The field {field} {reason}." if field else f"The body {reason}.",
        errors=[{"field": field, "reason": reason}],
    )


def render(error: Exception, instance: str, extra: Sequence[tuple[bytes, bytes]] = ()) -> Answer:
    """The response to an exception; logs what nobody foresaw.

    Args:
        error: any exception.
        instance: the address that was asked for, without its query.
        extra: further response headers.
    """
    problem = error if isinstance(error, Problem) else _as_problem(error)
    kind = KINDS[problem.code]
    headers = [(b"content-type", MEDIA_TYPE), (b"cache-control", b"no-store")]
    headers += [*problem.headers, *extra]
    members = dict(problem.members)
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        members.setdefault("retry_after", RETRY_AFTER_SECONDS)
    if "retry_after" in members and not any(name == b"retry-after" for name, _ in headers):
        headers.append((b"retry-after", str(members["retry_after"]).encode()))
    if kind.status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Bearer realm="pixelpop"'))
    document = {
        "type": TYPE_PREFIX + problem.code,
        "title": kind.title,
        "status": kind.status,
        "detail": str(problem),
        "instance": instance,
        **members,
    }
    return Answer(kind.status, headers, msgspec.json.encode(document))


def _as_problem(error: Exception) -> Problem:
    if isinstance(error, InvalidRequest):
        return field_problem(error.field, error.reason)
    if isinstance(error, HTTPException):
        return _of_litestar(error)
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.InvalidSchemaNameError):
        return Problem("read-models-missing", HIDDEN_DETAILS["read-models-missing"])
    code = error.code if isinstance(error, PixelpopError) else "internal"
    if code not in KINDS or code == "internal":
        _log.error("request failed", code=code, exc_info=error)
        code = "internal"
    elif KINDS[code].status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("request not answered", code=code, error=str(error))
    return Problem(code, HIDDEN_DETAILS.get(code) or str(error))


def allow(error: MethodNotAllowedException) -> tuple[bytes, bytes]:
    """The `Allow` header: the methods that the address knows."""
    told = {name.lower(): value for name, value in (error.headers or {}).items()}.get("allow", "")
    methods = {one.strip() for one in told.split(",") if one.strip()} | {"OPTIONS"}
    if "GET" in methods:
        methods.add("HEAD")
    return b"allow", ", ".join(sorted(methods)).encode()


def _of_litestar(error: HTTPException) -> Problem:
    if isinstance(error, NotFoundException):
        return Problem("not-found", "Nothing is at this address. See /docs for what there is.")
    if isinstance(error, MethodNotAllowedException):
        return Problem(
            "method-not-allowed",
            "This address does not know that method. See /docs for what it knows.",
            headers=[allow(error)],
        )
    if isinstance(error, ParameterInvalid):
        extra = error.extra if isinstance(error.extra, list) else []
        found = [
            {"field": str(one.get("key", "")), "reason": str(one.get("message", ""))}
            for one in extra
            if isinstance(one, dict)
        ]
        names = ", ".join(one["field"] for one in found) or "a parameter"
        reasons = "; ".join(one["reason"] for one in found)
        detail = f"This cannot be used: {names}" + (f" ({reasons})." if reasons else ".")
        return Problem("invalid-parameter", detail, errors=found)
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request failed", exc_info=error)
        return Problem("internal", HIDDEN_DETAILS["internal"])
    code = _CODES_BY_STATUS.get(error.status_code, "http-error")
    return Problem(code, "The request cannot be answered as it was sent. See /docs.")
