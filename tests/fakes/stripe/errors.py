"""What Stripe answers when it says no.

The shape (`type`, `code`, `param`, `message`) is that of the API reference, "Errors"; messages are
those that its users report in public issues, since the reference does not list them.
"""

from __future__ import annotations


class Refused(Exception):
    """The answer is an error object."""

    saved = True
    """Whether an idempotency key remembers it: not before execution has begun, says the reference
    on idempotent requests."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        told = {"code": code, "message": message, "param": param, "type": kind}
        self.body = {"error": {key: value for key, value in told.items() if value is not None}}


class Invalid(Refused):
    """The parameters themselves are wrong: nothing was executed, and no key remembers it."""

    saved = False


class NotModelled(Invalid):
    """Stripe knows this parameter and the double does not: louder than a wrong answer."""

    def __init__(self, param: str) -> None:
        message = f"The double of Stripe does not model {param}: teach it, or do not send it."
        super().__init__(message, param=param, status=501, kind="api_error")


def missing(what: str, thing_id: str, param: str = "id", *, status: int = 404) -> Refused:
    """No such object: 404 for what the path names, 400 for what a parameter names."""
    message = f"No such {what}: '{thing_id}'"
    return Refused(message, code="resource_missing", param=param, status=status)
