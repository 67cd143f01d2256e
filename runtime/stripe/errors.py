"""What a call to Stripe can end with."""

from __future__ import annotations

from runtime.errors import PixelpopError


class StripeRefused(PixelpopError):
    """Stripe will not do it; the same call would be refused again.

    Args:
        description: in Stripe's words, for operators: they are not for customers.
        reason: the error's `code`, which may be matched; empty: it has none.
        status: the HTTP status.
    """

    code = "stripe-refused"

    def __init__(self, description: str, reason: str = "", status: int = 400) -> None:
        super().__init__(f"Stripe refused: {description}")
        self.description = description
        self.reason = reason
        self.status = status


class StripeSlowDown(PixelpopError):
    """429: nothing was done; Stripe asks for fewer calls."""

    code = "stripe-slow-down"
    retryable = True


class StripeUnreachable(PixelpopError):
    """No answer, one that cannot be read, or 5xx: Stripe may have done it all the same."""

    code = "stripe-unreachable"
    retryable = True


class NotSigned(PixelpopError):
    """A webhook that nobody with a live secret has sent just now; the message says why."""

    code = "webhook-not-genuine"
