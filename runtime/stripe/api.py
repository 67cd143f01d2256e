"""Stripe's API, called by its own package: one try for each call, and errors of our own.

    stripe = open_stripe(settings)
    session = await stripe.open_session(…)
    await stripe.stop()

Nothing is repeated here. Every call may be: a session by its key, a refund of the whole because
Stripe refuses a second one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from msgspec import Struct

from runtime.errors import SettingsError
from runtime.settings import Settings
from runtime.stripe.errors import StripeRefused, StripeSlowDown, StripeUnreachable
from runtime.stripe.shapes import Dispute, Intent, Payment, Refund, Session

if TYPE_CHECKING:
    from stripe import StripeClient

    from runtime.stripe.connections import Connections

PAGE: Final = 100
"""The most that Stripe lists at once."""
PAGES_MAX: Final = 10_000
REVERSALS_MAX: Final = 1_000
"""Refunds, and disputes, that one payment may have here."""
_LATER: Final = frozenset({409, 429})
"""Another call with the same key is under way; too many calls."""

Shape = TypeVar("Shape", bound=Struct)


class _Page(Struct, frozen=True):
    data: list[dict[str, Any]]
    has_more: bool


class Stripe:
    """What is asked of Stripe.

    Args:
        client: of Stripe's package, not repeating anything by itself.
        connections: its connections, to be closed.
    """

    def __init__(self, client: StripeClient, connections: Connections) -> None:
        self._v1 = client.v1
        self._connections = connections

    async def open_session(self, asked: Mapping[str, Any], key: str) -> Session:
        """A page on which somebody can pay.

        Args:
            asked: as "Create a Checkout Session" has it.
            key: the same key makes the same session, for a day.

        Raises:
            StripeRefused: it is not as Stripe wants it, or the key made another session.
            StripeSlowDown: later.
            StripeUnreachable: there may be one now.
        """
        options: Any = {"idempotency_key": key}
        return await _ask(
            self._v1.checkout.sessions.create_async(dict(asked), options),  # type: ignore[arg-type]  # a dict of that shape
            Session,
        )

    async def refund(self, intent_id: str) -> Refund:
        """Give all of a payment back that was not given back yet.

        Raises:
            StripeRefused: `reason` says why: `charge_already_refunded`, `charge_disputed`, ….
            StripeSlowDown: later.
            StripeUnreachable: it may be done.
        """
        return await _ask(self._v1.refunds.create_async({"payment_intent": intent_id}), Refund)

    async def payment(self, intent_id: str) -> Payment:
        """All that Stripe says of a payment now.

        Raises:
            StripeRefused: `resource_missing`: there is no such payment.
            StripeSlowDown: later.
            StripeUnreachable: it is not known.
        """
        intent = await _ask(
            self._v1.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge"]}),
            Intent,
        )
        refunds = [
            one async for one in self._listed(self._v1.refunds, Refund, payment_intent=intent_id)
        ]
        disputes = [
            one async for one in self._listed(self._v1.disputes, Dispute, payment_intent=intent_id)
        ]
        return Payment(intent=intent, refunds=_in_order(refunds), disputes=_in_order(disputes))

    def intents(self, since_seconds: int) -> AsyncIterator[Intent]:
        """Every payment that was begun since then, the newest first.

        Raises:
            StripeRefused, StripeSlowDown, StripeUnreachable: what came is not all.
        """
        expand = ["data.latest_charge"]
        return self._listed(
            self._v1.payment_intents, Intent, created={"gte": since_seconds}, expand=expand
        )

    def refunds(self, since_seconds: int) -> AsyncIterator[Refund]:
        """As `intents`, of refunds."""
        return self._listed(self._v1.refunds, Refund, created={"gte": since_seconds})

    def disputes(self, since_seconds: int) -> AsyncIterator[Dispute]:
        """As `intents`, of disputes."""
        return self._listed(self._v1.disputes, Dispute, created={"gte": since_seconds})

    async def _listed(self, service: Any, shape: type[Shape], **asked: Any) -> AsyncIterator[Shape]:
        for _ in range(PAGES_MAX):
            page = await _ask(service.list_async({"limit": PAGE, **asked}), _Page)
            for one in page.data:
                yield _read(one, shape)
            if not page.has_more or not page.data:
                return
            asked["starting_after"] = page.data[-1]["id"]
        raise StripeUnreachable(f"Stripe lists more than {PAGES_MAX * PAGE} of them.")

    async def stop(self) -> None:
        """Close its connections."""
        await self._connections.close_async()  # type: ignore[no-untyped-call]  # the package has no types here


def open_stripe(settings: Settings) -> Stripe:
    """Stripe, ready for calls; `stop` it in the end.

    Raises:
        SettingsError: STRIPE_SECRET_KEY is missing.
    """
    # Half a second of a start, which only those pay who use it.
    from stripe import StripeClient

    from runtime.stripe.connections import Connections

    if not settings.stripe_secret_key:
        raise SettingsError("STRIPE_SECRET_KEY is not set.")
    connections = Connections(timeout=settings.stripe_timeout_seconds)
    client = StripeClient(
        settings.stripe_secret_key,
        base_addresses={"api": settings.stripe_api_base.rstrip("/")},
        max_network_retries=0,
        http_client=connections,
    )
    return Stripe(client, connections)


async def _ask(call: Awaitable[Any], shape: type[Shape]) -> Shape:
    from stripe import APIConnectionError, APIError, StripeError

    try:
        answer = await call
    except (APIConnectionError, APIError) as error:
        # 5xx, a page of somebody between, or nothing: Stripe may have done it before it failed.
        raise StripeUnreachable(f"Stripe failed: {type(error).__name__}") from None
    except StripeError as error:
        status = error.http_status or 400
        if status in _LATER:
            raise StripeSlowDown("Stripe asks for the call later.") from None
        raise StripeRefused(error.user_message or "", error.code or "", status) from None
    return _read(answer.to_dict(), shape)


def _read(answer: Any, shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(answer, shape)
    except msgspec.ValidationError as error:
        raise StripeUnreachable(f"Stripe's answer cannot be read: {error}") from None


def _in_order(reversals: list[Any]) -> tuple[Any, ...]:
    if len(reversals) > REVERSALS_MAX:
        raise StripeUnreachable(f"Stripe lists more than {REVERSALS_MAX} reversals of a payment.")
    return tuple(sorted(reversals, key=lambda one: (one.created, one.id)))
