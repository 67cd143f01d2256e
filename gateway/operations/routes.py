"""For those who run it: health, readiness, metrics, the contract and its documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.types import ASGIApp

from gateway.api.contract import contract
from gateway.operations.readiness import ReadyDocument
from gateway.web.errors import Answer
from gateway.web.replies import JSON, PRIVATE, Reply, deps_of
from runtime.telemetry.metrics import exposition

HTML: Final = "text/html; charset=utf-8"
_PAGES = Path(__file__).parent / "pages"
_POLICY: Final = (
    b"default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CONTENT_SECURITY: Final = (b"content-security-policy", _POLICY)


class HealthDocument(msgspec.Struct, frozen=True, kw_only=True):
    """It runs."""

    status: str = "ok"


@get(
    "/healthz",
    opt=contract(
        "Operations",
        "healthz",
        "Whether the process runs.",
        {200: HealthDocument},
        public=True,
        details=(
            "For a supervisor that restarts what does not answer. It asks no other part, so it "
            "answers while they are away; whether they are there is told by GET /readyz."
        ),
    ),
)
async def healthz() -> ASGIApp:
    """It does."""
    return Reply(Answer(200, [JSON, PRIVATE], msgspec.json.encode(HealthDocument())))


@get(
    "/readyz",
    opt=contract(
        "Operations",
        "readyz",
        "Whether everything that it needs answers.",
        {200: ReadyDocument, 503: ReadyDocument},
        public=True,
        details=(
            "For a load balancer that sends requests to those that can serve them. Appends a tick "
            "to the log, asks the database, the read models and the object storage, and looks at "
            "its own view of the log. 503 names the parts that are not ready, and why."
        ),
    ),
)
async def readyz(request: Request[Any, Any, Any]) -> ASGIApp:
    """Ask every part, all at once."""
    document = await deps_of(request).readiness.ask()
    status = 200 if document.ready else 503
    return Reply(Answer(status, [JSON, PRIVATE], msgspec.json.encode(document)))


@get(
    "/metrics",
    opt=contract(
        "Operations",
        "metrics",
        "Metrics for Prometheus.",
        {200: "text/plain"},
        public=True,
        details=(
            "In its text format. The two objectives are `pixelpop_generation_done_seconds` (from "
            "request to pictures) and `pixelpop_gateway_answers_total` (by outcome)."
        ),
    ),
)
async def metrics() -> ASGIApp:
    """The process's metrics."""
    body, media_type = exposition()
    return Reply(Answer(200, [(b"content-type", media_type.encode()), PRIVATE], body))


@get(
    "/openapi.json",
    opt=contract(
        "Operations",
        "openapi",
        "This contract, for programs.",
        {200: "application/json"},
        public=True,
        details="OpenAPI 3.1, made of the running program. GET /docs shows it to people.",
    ),
)
async def openapi(request: Request[Any, Any, Any]) -> ASGIApp:
    """The contract as OpenAPI 3.1."""
    return Reply(Answer(200, [JSON], request.app.state.openapi))


@get("/docs")
async def docs() -> ASGIApp:
    """A page that shows `/openapi.json`; it loads nothing from elsewhere."""
    return _page("docs.html", HTML)


@get("/docs.js")
async def docs_script() -> ASGIApp:
    """What renders the contract."""
    return _page("docs.js", "text/javascript; charset=utf-8")


@get("/")
async def home() -> ASGIApp:
    """A page that says what this is."""
    return _page("home.html", HTML)


def _page(name: str, media_type: str) -> Reply:
    headers = [(b"content-type", media_type.encode()), _CONTENT_SECURITY]
    return Reply(Answer(200, headers, (_PAGES / name).read_bytes()))
