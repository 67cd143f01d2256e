"""What browsers are told: who may call, what a page may do, and that all of it is by TLS."""

from __future__ import annotations

import pytest

from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.world import Person, World, another_gateway

APP = "https://app.example"
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.mark.parametrize("path", ["/styles", "/credits", "/nowhere", "/healthz", "/openapi.json"])
async def test_no_answer_is_a_page(world: World, path: str) -> None:
    """JSON, refused or not, may neither run anything nor be framed, and is never guessed at."""
    answer = await world.client.get(path)
    assert EVERYWHERE.items() <= {name.title(): v for name, v in answer.headers.items()}.items()
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_a_page_has_one_policy(world: World, path: str) -> None:
    """Its own: nothing from elsewhere, no inline scripts; a second one would only confuse."""
    answer = await world.client.get(path)
    (policy,) = answer.headers.get_list("Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert EVERYWHERE.items() <= {name.title(): v for name, v in answer.headers.items()}.items()


async def test_tls_is_demanded_where_there_is_tls(world: World) -> None:
    """Strict-Transport-Security stands in every answer of a service that is reached by TLS."""
    plain = await world.client.get("/styles")
    assert "Strict-Transport-Security" not in plain.headers
    async with another_gateway(world, public_url="https://pixelpop.example") as one:
        for path in ("/styles", "/nowhere", "/"):
            answer = await one.client.get(path)
            given = answer.headers["Strict-Transport-Security"]
            assert given == "max-age=63072000; includeSubDomains"


async def test_pages_of_configured_origins_may_call(world: World, person: Person) -> None:
    """Preflight, answer and refusal; others get the answer but no leave to read it."""
    async with another_gateway(world, cors_origins=APP) as one:
        asked = {
            "Origin": APP,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,idempotency-key",
        }
        answer = await one.client.options("/generations", headers=asked)
        assert answer.status_code == 204
        assert answer.headers["Access-Control-Allow-Origin"] == APP
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert "idempotency-key" in answer.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
        posted = await one.client.post(
            "/generations",
            json={"prompt": "x"},
            headers=person.authorization | {"Origin": APP, "Idempotency-Key": "cors"},
        )
        assert posted.status_code == 202
        assert posted.headers["Access-Control-Allow-Origin"] == APP
        assert "location" in posted.headers["Access-Control-Expose-Headers"]
        refused = await one.client.get("/credits", headers={"Origin": APP})
        is_problem(refused, 401, "token-missing")
        assert refused.headers["Access-Control-Allow-Origin"] == APP
        for origin in ("https://evil.example", "null", "https://app.example.evil.example"):
            other = await one.client.options("/generations", headers=asked | {"Origin": origin})
            assert not any(name.startswith("access-control") for name in other.headers)
            assert other.headers["Vary"] == "origin"
