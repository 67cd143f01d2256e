"""A strict stand-in for Stripe: its API, its webhooks, and the people behind them.

    async with Stripe() as stripe:
        endpoint = stripe.post.add_endpoint("http://…/stripe", ("checkout.session.completed",))
        …                                          # the code under test opens a Checkout session
        payment = stripe.customer.pays(session["url"])     # or `pays_later`, `is_declined`
        dispute = stripe.bank.disputes(payment.charge["id"])  # then `is_won`, `is_lost`
        await stripe.post.deliver(rng=random.Random(7), times_max=5)

`stripe.fail("lost", path="/v1/refunds")` makes trouble (`server.FAULTS`), `stripe.clock` moves
time, `stripe.calls` has every request, `stripe.books` everything there is. What it refuses and
where that is documented is said by the module that refuses: `rules`, `checkout`, `payments`,
`listing`, `idempotency`, `server`, `webhooks`. A parameter that Stripe has and the double has not
is refused as 501, never ignored. Shapes are those of API version `books.API_VERSION`, with the
fields that matter for payments, not all of them.
"""

from tests.fakes.stripe.people import Bank, CannotPay, Customer, Dispute, Payment
from tests.fakes.stripe.server import API_KEY, FAULTS, Call, Stripe
from tests.fakes.stripe.webhooks import Delivery, Endpoint, signature

__all__ = [
    "API_KEY",
    "FAULTS",
    "Bank",
    "Call",
    "CannotPay",
    "Customer",
    "Delivery",
    "Dispute",
    "Endpoint",
    "Payment",
    "Stripe",
    "signature",
]
