"""The double refuses the sessions that Stripe refuses, and its sessions live as Stripe's do."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest

from tests.fakes.stripe import CannotPay, Stripe
from tests.unit.fakes.stripe.calls import LINE, SESSION, SESSIONS, opened, told, types

WRONG_SESSIONS: list[tuple[dict[str, str | None], str | None, str | None]] = [
    ({"wat": "1"}, "parameter_unknown", "wat"),
    ({"line_items[0][name]": "x"}, "parameter_unknown", "line_items[0][name]"),
    ({"mode": None}, "parameter_missing", "mode"),
    ({"mode": "gift"}, None, "mode"),
    ({"success_url": None}, "parameter_missing", "success_url"),
    ({"success_url": ""}, "parameter_invalid_empty", "success_url"),
    ({"success_url": "app.example/ok"}, "url_invalid", "success_url"),
    ({"success_url": "http://app.example/ok"}, "url_invalid", "success_url"),
    ({"success_url": "https://app.example/" + "x" * 5000}, None, "success_url"),
    ({"cancel_url": "javascript:alert(1)"}, "url_invalid", "cancel_url"),
    ({"client_reference_id": "x" * 201}, None, "client_reference_id"),
    (dict.fromkeys(LINE), "parameter_missing", "line_items"),
    ({"line_items": "x"}, None, "line_items"),
    (
        {"line_items[0][price_data][unit_amount]": "4.99"},
        "parameter_invalid_integer",
        "line_items[0][price_data][unit_amount]",
    ),
    (
        {"line_items[0][price_data][unit_amount]": "-5"},
        "parameter_invalid_integer",
        "line_items[0][price_data][unit_amount]",
    ),
    ({"line_items[0][price_data][unit_amount]": "49"}, "amount_too_small", None),
    ({"line_items[0][price_data][unit_amount]": "100000000"}, "amount_too_large", None),
    (
        {"line_items[0][price_data][currency]": "xtr"},
        None,
        "line_items[0][price_data][currency]",
    ),
    (
        {"line_items[0][price_data][product_data][name]": ""},
        "parameter_invalid_empty",
        "line_items[0][price_data][product_data][name]",
    ),
    ({"line_items[0][quantity]": None}, "parameter_missing", "line_items[0][quantity]"),
    ({"line_items[0][quantity]": "0"}, "parameter_invalid_integer", "line_items[0][quantity]"),
    ({f"metadata[k{index}]": "v" for index in range(51)}, None, "metadata"),
    ({"metadata[" + "k" * 41 + "]": "v"}, None, "metadata"),
    ({"metadata[k]": "v" * 501}, None, "metadata[k]"),
    ({"metadata": "v"}, None, "metadata"),
    ({"expand[]": "customers"}, None, "expand"),
    ({"expand[]": "payment_intent.latest_charge.payment_intent.x.y"}, None, "expand"),
    ({"a]b[": "1"}, None, "a]b["),
]


@pytest.mark.parametrize(("change", "code", "param"), WRONG_SESSIONS)
async def test_wrong_sessions(
    stripe: Stripe,
    client: httpx.AsyncClient,
    change: dict[str, str | None],
    code: str | None,
    param: str | None,
) -> None:
    """A session that Stripe would refuse is refused with its code and parameter, and not made."""
    body = {name: value for name, value in (SESSION | change).items() if value is not None}
    if "line_items" in change:
        body = {name: value for name, value in body.items() if name not in LINE}
    assert told(await client.post(SESSIONS, data=body)) == (400, code, param)
    assert not stripe.books.held["sessions"]


async def test_two_currencies(client: httpx.AsyncClient) -> None:
    """One session has one currency."""
    second = {name.replace("[0]", "[1]"): value for name, value in LINE.items()}
    second["line_items[1][price_data][currency]"] = "eur"
    answer = await client.post(SESSIONS, data=SESSION | second)
    assert told(answer) == (400, None, "line_items")


@pytest.mark.parametrize(("seconds", "taken"), [(1799, False), (1800, True), (86_399, True)])
async def test_expiry_bounds(
    stripe: Stripe, client: httpx.AsyncClient, seconds: int, taken: bool
) -> None:
    """A session may expire from 30 minutes on, and before 24 hours."""
    for ahead, fits in ((seconds, taken), (86_400, False)):
        data = SESSION | {"expires_at": str(stripe.books.now() + ahead)}
        answer = await client.post(SESSIONS, data=data)
        assert (answer.status_code == 200) is fits
        assert fits or told(answer) == (400, None, "expires_at")


async def test_not_modelled(client: httpx.AsyncClient) -> None:
    """What Stripe has and the double has not is never taken silently."""
    answer = await client.post(SESSIONS, data=SESSION | {"ui_mode": "embedded_page"})
    assert answer.status_code == 501
    assert answer.json()["error"]["param"] == "ui_mode"


async def test_who_may_call(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """A missing or wrong key is 401, a version that is none 400, JSON no body, other paths 404."""
    for key in ("", "Basic c2s6", "Bearer sk_test_wrong", "Bearer pk_test_pixelpop"):
        assert told(await client.get("/v1/events", headers={"Authorization": key}))[0] == 401
    bad = await client.get("/v1/events", headers={"Stripe-Version": "latest"})
    assert told(bad)[0] == 400
    assert told(await client.post(SESSIONS, json=SESSION))[0] == 400
    assert told(await client.get("/v1/customers"))[0] == 404
    assert told(await client.delete("/v1/charges"))[0] == 404
    assert [call.status for call in stripe.calls] == [401] * 4 + [400, 400, 404, 404]


async def test_session_answer(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """An open session has an address and no payment intent; what was said of it is kept."""
    more = {"client_reference_id": "a1", "metadata[pack]": "p100", "metadata[empty]": ""}
    session = await opened(client, **more, **{"expand[0]": "line_items"})
    assert session["url"].startswith(stripe.base_url)
    assert session["payment_intent"] is None
    assert (session["amount_total"], session["currency"]) == (499, "usd")
    assert session["metadata"] == {"pack": "p100"}
    assert session["line_items"]["data"][0]["description"] == "100 credits"
    assert session["expires_at"] == stripe.books.now() + 86_400
    path = f"{SESSIONS}/{session['id']}"
    assert "line_items" not in (await client.get(path)).json()
    items = (await client.get(f"{path}/line_items")).json()
    assert items["data"] == session["line_items"]["data"]


async def test_expiring(stripe: Stripe, client: httpx.AsyncClient) -> None:
    """Sessions expire by call, by time and by hand; what is not open cannot."""
    by_call, by_time, by_hand, done = [await opened(client) for _ in range(4)]
    expired = await client.post(f"{SESSIONS}/{by_call['id']}/expire")
    assert (expired.json()["status"], expired.json()["url"]) == ("expired", None)
    stripe.expire(by_hand["id"])
    stripe.customer.pays(done["url"])
    stripe.clock.advance(86_400)
    with pytest.raises(CannotPay):
        stripe.customer.pays(by_time["url"])
    for session in (by_call, by_time, by_hand, done):
        answer = await client.post(f"{SESSIONS}/{session['id']}/expire")
        assert told(answer) == (400, None, None)
    assert Counter(types(stripe))["checkout.session.expired"] == 3
    nobody = await client.post(f"{SESSIONS}/cs_test_nobody/expire")
    assert told(nobody) == (404, "resource_missing", "session")
