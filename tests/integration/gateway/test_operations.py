"""Readiness, metrics, pages and request ids."""

from __future__ import annotations

from tests.integration.gateway.test_resources import made
from tests.integration.gateway.world import Person, World


async def test_every_part_is_ready(world: World) -> None:
    """`/readyz` names each part; `/healthz` only says that it runs."""
    answer = await world.client.get("/readyz")
    assert answer.json()["ready"] is True
    assert set(answer.json()["parts"]) == {"log", "database", "read_models", "objects", "tail"}
    assert (await world.client.get("/healthz")).json() == {"status": "ok"}


async def test_metrics_carry_the_two_objectives(world: World, person: Person) -> None:
    """Time to done, and answers by outcome, are there to be asked."""
    await made(world, person)
    text = (await world.client.get("/metrics")).text
    assert "pixelpop_generation_done_seconds_bucket" in text
    assert 'pixelpop_gateway_answers_total{outcome="ok"}' in text
    assert 'pixelpop_gateway_answers_total{outcome="server_error"}' in text


async def test_pages_load_nothing_from_elsewhere(world: World) -> None:
    """The pages are whole, and their policy forbids other origins."""
    for path in ("/", "/docs"):
        page = await world.client.get(path)
        assert page.headers["Content-Type"].startswith("text/html")
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "http://" not in page.text
        assert "https://" not in page.text
    assert (await world.client.get("/docs.js")).status_code == 200
    assert (await world.client.get("/openapi.json")).json()["openapi"] == "3.1.0"


async def test_a_request_id_is_taken_over(world: World) -> None:
    """A given id comes back; a bad one is replaced."""
    answer = await world.client.get("/healthz", headers={"X-Request-Id": "mine-7"})
    assert answer.headers["X-Request-Id"] == "mine-7"
    answer = await world.client.get("/healthz", headers={"X-Request-Id": "a b"})
    assert answer.headers["X-Request-Id"] not in {"", "a b"}
