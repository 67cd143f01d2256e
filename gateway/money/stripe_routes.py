"""Where Stripe tells what happens to payments: `POST /stripe/webhook`."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, post
from litestar.types import ASGIApp

from gateway.api.contract import contract
from gateway.money.stripe_news import StripeEvent
from gateway.web.http import read_body
from gateway.web.replies import deps_of, nothing

PATH: Final = "/stripe/webhook"
EVENT_BYTES_MAX: Final = 1_048_576
"""The largest event of Stripe's that is taken."""


@post(
    PATH,
    status_code=200,
    opt=contract(
        "Payments",
        "tell_stripe",
        "Something happened to a payment at Stripe.",
        {200: None},
        body=StripeEvent,
        headers=("Stripe-Signature",),
        problems=(
            "webhook-not-genuine",
            "stripe-not-configured",
            "stripe-unreachable",
            "stripe-slow-down",
            "append-unknown",
            "log-overloaded",
            "database-unavailable",
        ),
        public=True,
        details=(
            "Called by Stripe: `checkout.session.completed` and `.async_payment_succeeded`, "
            "`charge.refunded`, `refund.*`, `charge.dispute.*`. It must be signed with a live "
            "secret and within five minutes; the signature is of the body's bytes as they came. "
            "It only says which payment to look at: what is so of it is asked of Stripe. 200 says "
            "that what follows is kept, or that nothing does. After any other answer Stripe sends "
            "it again, which does nothing twice."
        ),
    ),
)
async def tell(request: Request[Any, Any, Any]) -> ASGIApp:
    """Take one event."""
    deps = deps_of(request)
    headers = request.scope["headers"]
    body = await read_body(
        headers,
        request.receive,
        max_bytes=EVENT_BYTES_MAX,
        timeout_seconds=deps.settings.body_timeout_seconds,
    )
    await deps.stripe.news.take(headers, body)
    return nothing(200)
