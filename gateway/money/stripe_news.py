"""What Stripe tells by webhook: which payment to look at. What is so of it is asked of Stripe.

So it does not matter in which order messages come, nor how often: see `stripe_telling`.
"""

from __future__ import annotations

import time
from typing import Annotated, Final

import msgspec

from gateway.api.documents import says
from gateway.money.stripe_telling import StripeTelling
from gateway.operations import metrics
from gateway.web.errors import Problem
from gateway.web.http import Headers, header_in
from runtime.settings import Settings
from runtime.stripe.errors import NotSigned
from runtime.stripe.shapes import Name
from runtime.stripe.signature import HEADER, check, secrets_in

TAKEN: Final = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "charge.refunded",
        "charge.refund.updated",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)
"""The types of events after which a payment is looked at."""
OTHER: Final = "other"
"""All the other types, of which nothing follows."""


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """What it happened to, as far as it is read."""

    payment_intent: Annotated[Name, says("The payment that it is of.")] | None = None


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Holds what it happened to."""

    object: Thing


class StripeEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened; no more of it is read."""

    id: Annotated[Name, says("Stripe repeats an event under the same id.")]
    type: Annotated[str, says("E.g. `charge.refunded`; others than those above are taken too.")]
    data: Data


_event = msgspec.json.Decoder(StripeEvent)


class StripeNews:
    """Takes what Stripe tells.

    Args:
        settings: the secrets that it signs with.
        telling: tells the log; None: there is no key to ask Stripe with.
    """

    def __init__(self, settings: Settings, telling: StripeTelling | None) -> None:
        self._secrets = secrets_in(settings.stripe_webhook_secret)
        self._tolerance = settings.stripe_webhook_tolerance_seconds
        self._telling = telling

    async def take(self, headers: Headers, body: bytes) -> None:
        """Tell the log all that is so of the payment that a message is about.

        Args:
            headers: of the message.
            body: its bytes as they came.

        Raises:
            Problem: it is not Stripe that tells, or nothing that can be read.
            PixelpopError: nobody knows whether it is kept; Stripe will send it again.
        """
        if not self._secrets or self._telling is None:
            raise Problem(
                "stripe-not-configured",
                "STRIPE_SECRET_KEY or STRIPE_WEBHOOK_SECRET is not set here.",
            )
        try:
            check(body, header_in(headers, HEADER), self._secrets, self._tolerance, time.time())
        except NotSigned as error:
            metrics.STRIPE_REFUSED.inc()
            raise Problem(
                "webhook-not-genuine", f"The message is not taken for genuine. {error}"
            ) from error
        event = _read(body)
        intent_id = event.data.object.payment_intent
        kind, outcome = OTHER, "without_effect"
        if event.type in TAKEN and intent_id is not None:
            kind = event.type
            if self._telling.has_taken(event.id):
                outcome = "repeated"
            elif await self._telling.look(intent_id):
                outcome = "done"
            self._telling.remember(event.id)
        metrics.STRIPE_EVENTS.labels(kind, outcome).inc()


def _read(body: bytes) -> StripeEvent:
    """The event; whoever signed this is Stripe, so what it cannot be read by is our fault."""
    try:
        return _event.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("malformed-json", f"The body is no event of Stripe's: {error}.") from error
