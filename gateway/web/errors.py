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


class Kind(NamedTuple):
    """What all problems of one code share."""

    status: int
    title: str


KINDS: Final[dict[str, Kind]] = {
    # What the client sent.
    "malformed-json": Kind(400, "The body is not JSON"),
    "invalid-request": Kind(422, "The request has fields that cannot be used"),
    "invalid-parameter": Kind(400, "A parameter of the address cannot be used"),
    "invalid-header": Kind(400, "A header cannot be used"),
    "cursor-invalid": Kind(400, "The cursor is not ours"),
    "kind-not-available": Kind(422, "This kind of generation is not available yet"),
    "idempotency-key-missing": Kind(400, "The Idempotency-Key header is missing"),
    "idempotency-key-invalid": Kind(400, "The Idempotency-Key header cannot be used"),
    "idempotency-key-reused": Kind(422, "This Idempotency-Key belongs to another request"),
    "body-too-large": Kind(413, "The body is too large"),
    "body-too-deep": Kind(400, "The body is nested too deeply"),
    "headers-too-large": Kind(431, "The headers are too large"),
    "address-too-long": Kind(414, "The address is too long"),
    "body-too-slow": Kind(408, "The body took too long"),
    "record-too-large": Kind(413, "The request is too large"),
    "not-sealable": Kind(422, "A text holds characters that cannot be kept"),
    "unsupported-media-type": Kind(415, "The body must be JSON"),
    "method-not-allowed": Kind(405, "This address does not know that method"),
    "not-found": Kind(404, "There is no such thing here"),
    "telegram-not-configured": Kind(404, "No bot is set up here"),
    "stripe-not-configured": Kind(404, "Stripe is not set up here"),
    # Who sent it.
    "token-missing": Kind(401, "Sign in first"),
    "token-invalid": Kind(401, "The access token cannot be used"),
    "init-data-invalid": Kind(401, "The Telegram sign-in data cannot be used"),
    "init-data-expired": Kind(401, "The Telegram sign-in data has expired"),
    "proof-used": Kind(401, "This sign-in data was used already"),
    "oidc-invalid": Kind(401, "The issuer does not vouch for this sign-in"),
    "sign-in-too-old": Kind(403, "Sign in again to do this"),
    "account-erased": Kind(401, "This account no longer exists"),
    "key-destroyed": Kind(401, "This account no longer exists"),
    "account-banned": Kind(403, "This account is blocked"),
    "scope-missing": Kind(403, "The API key is not allowed to do this"),
    "role-missing": Kind(403, "The account is not allowed to do this"),
    "webhook-secret-invalid": Kind(401, "This is not Telegram"),
    "webhook-not-genuine": Kind(401, "The message is not genuine"),
    "webhook-keys-unavailable": Kind(503, "The message cannot be checked now"),
    "too-many-requests": Kind(429, "Too many requests"),
    # What was decided.
    "insufficient-credits": Kind(402, "Not enough credits"),
    "rate-limited": Kind(429, "Too many generations"),
    "prohibited": Kind(422, "The prompt is against the rules"),
    "unavailable": Kind(422, "This is not for sale"),
    "timed-out": Kind(503, "It was not decided in time"),
    "too-many-webhooks": Kind(409, "There are as many webhooks as there can be"),
    "being-made": Kind(409, "It is being made already"),
    "too-many-api-keys": Kind(409, "The account has too many API keys"),
    "role-from-settings": Kind(409, "The role comes from the settings"),
    "account-is-admin": Kind(409, "The account is an admin's"),
    "account-is-person": Kind(409, "The account is a person's"),
    "already-finished": Kind(409, "It is finished already"),
    "consent-outdated": Kind(409, "The document is shown in another version now"),
    "nothing-to-share": Kind(409, "There is no picture to show"),
    "upload-refused": Kind(422, "The file is not taken"),
    "upload-missing": Kind(409, "The file has not come"),
    "upload-over": Kind(410, "The upload has expired"),
    "upload-unusable": Kind(422, "The upload cannot be used"),
    "too-many-uploads": Kind(429, "There are as many uploads as there can be"),
    "too-many-shares": Kind(409, "There are as many links as there can be"),
    "gone-from-bin": Kind(410, "It can no longer be restored"),
    "identity-taken": Kind(409, "This identity belongs to another account"),
    "identity-last": Kind(409, "This is the only way to sign in"),
    "identity-owes": Kind(409, "The account has debts"),
    "too-many-identities": Kind(409, "The account has too many identities"),
    "oidc-not-configured": Kind(501, "No issuer of OpenID Connect is configured"),
    "login-widget-off": Kind(501, "The Login Widget does not sign in here"),
    "oidc-unavailable": Kind(503, "The issuer does not answer"),
    "promotion-unknown": Kind(404, "There is no such promotion"),
    "promotion-ended": Kind(409, "The promotion is over"),
    "promotion-used": Kind(409, "The promotion was redeemed already"),
    "promotion-code-taken": Kind(409, "The code belongs to another promotion"),
    "gift-unknown": Kind(404, "There is no such gift"),
    "gift-own": Kind(409, "The gift is your own"),
    "gift-taken": Kind(409, "Somebody has received the gift"),
    "gift-over": Kind(409, "The gift can no longer be received"),
    "too-many-gifts": Kind(409, "There are as many gifts as there can be"),
    "goodwill-to-self": Kind(409, "Nobody gives to themselves"),
    "payments-not-configured": Kind(501, "Payments are not configured"),
    "payment-refused": Kind(409, "It cannot be paid this way"),
    "refund-too-late": Kind(409, "It is too late to give this back"),
    "refund-spent": Kind(409, "Its credits were used"),
    "refund-refused": Kind(409, "The money cannot be given back"),
    "stripe-slow-down": Kind(503, "Stripe asks for a pause"),
    "stripe-unreachable": Kind(503, "Stripe does not answer"),
    # What this service cannot do now.
    "telegram-slow-down": Kind(503, "Telegram asks for a pause"),
    "telegram-unreachable": Kind(503, "Telegram does not answer"),
    "overloaded": Kind(503, "Too much is going on"),
    "log-overloaded": Kind(503, "Too much is going on"),
    "append-unknown": Kind(503, "The outcome is not known yet"),
    "not-caught-up": Kind(503, "What was written is not readable yet"),
    "too-many-streams": Kind(503, "Too many event streams are open"),
    "database-unavailable": Kind(503, "The database does not answer"),
    "read-models-missing": Kind(503, "The read models are not there yet"),
    "objects-unavailable": Kind(503, "The object storage does not answer"),
    "scanner-unavailable": Kind(503, "Files cannot be looked at"),
    "clock-unset": Kind(503, "The service is starting"),
    "http-error": Kind(400, "The request cannot be answered"),
    "internal": Kind(500, "Something went wrong"),
}
"""Every code that a client can meet."""

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
