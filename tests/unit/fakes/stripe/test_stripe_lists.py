"""The double's lists have pages and filters, and refuse what Stripe refuses."""

from __future__ import annotations

import httpx
import pytest

from tests.fakes.stripe import Stripe
from tests.unit.fakes.stripe.calls import SESSIONS, opened, paid, told


async def test_pages(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """Pages have 1 to 100 rows, newest first, and cursors lead through all of them once."""
    made = [(await opened(client))["id"] for _ in range(13)]
    ids, params = [], {"limit": "5"}
    while True:
        page = (await client.get(SESSIONS, params=params)).json()
        ids += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        params["starting_after"] = ids[-1]
    assert ids == made[::-1]
    assert len((await client.get(SESSIONS)).json()["data"]) == 10
    back = {"limit": "2", "ending_before": ids[3]}
    before = (await client.get(SESSIONS, params=back)).json()
    assert ([one["id"] for one in before["data"]], before["has_more"]) == (ids[1:3], True)


@pytest.mark.parametrize(
    ("path", "params", "code", "param"),
    [
        (SESSIONS, {"limit": "0"}, "parameter_invalid_integer", "limit"),
        (SESSIONS, {"limit": "101"}, "parameter_invalid_integer", "limit"),
        (SESSIONS, {"starting_after": "cs_test_x"}, "resource_missing", "starting_after"),
        (SESSIONS, {"starting_after": "a", "ending_before": "b"}, None, "starting_after"),
        (SESSIONS, {"page": "2"}, "parameter_unknown", "page"),
        (SESSIONS, {"expand[]": "payment_intent"}, None, "expand"),
        ("/v1/events", {"type": "a", "types[]": "b"}, None, "types"),
        ("/v1/events", {"created[since]": "1"}, "parameter_unknown", "created[since]"),
        ("/v1/events", {"delivery_success": "yes"}, None, "delivery_success"),
    ],
)
async def test_wrong_lists(
    client: httpx.AsyncClient,
    path: str,
    params: dict[str, str],
    code: str | None,
    param: str | None,
) -> None:
    """A list asked for wrongly is refused."""
    assert told(await client.get(path, params=params)) == (400, code, param)


@pytest.mark.parametrize("path", ["charges", "payment_intents", "refunds", "disputes", "events"])
async def test_nothing_there(client: httpx.AsyncClient, path: str) -> None:
    """What there is not is 404."""
    assert told(await client.get(f"/v1/{path}/x_1")) == (404, "resource_missing", "id")


async def test_reconciliation_by_time(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """Balance transactions are found by when they came, and become available after days."""
    await paid(stripe, client)
    stripe.clock.advance(3 * 86_400)
    await paid(stripe, client)
    path, since = "/v1/balance_transactions", str(stripe.books.now() - 60)
    late = (await client.get(path, params={"created[gte]": since})).json()["data"]
    early = (await client.get(path, params={"created[lt]": since})).json()["data"]
    assert [one["status"] for one in early + late] == ["available", "pending"]


async def test_events_are_forgotten(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """Events can be had for 30 days."""
    await paid(stripe, client)
    listed = (await client.get("/v1/events", params={"type": "charge.*"})).json()["data"]
    assert {one["type"] for one in listed} == {"charge.succeeded", "charge.updated"}
    stripe.clock.advance(31 * 86_400)
    assert (await client.get("/v1/events")).json()["data"] == []
    assert told(await client.get(f"/v1/events/{listed[0]['id']}"))[0] == 404
