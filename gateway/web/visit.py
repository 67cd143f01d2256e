"""One request on its way: what it holds, and what is added to its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gateway.deps import Deps
    from gateway.identity.signed_in import Account

KEY: Final = "pixelpop.visit"
"""Where a scope has its visit."""
Pairs = Sequence[tuple[bytes, bytes]]


class Visit:
    """Sends the answer with what every answer has, and remembers its status.

    Args:
        send: takes the answer.
        request_id: named in the answer.
        headers: what this answer has beside its own.
        security: from an answer's own headers to those that are added for browsers.
        counted: whether it counts as a request under way; a stream does not.
    """

    __slots__ = ("_security", "_send", "account_id", "counted", "headers", "request_id", "status")

    def __init__(
        self,
        send: Any,
        request_id: str,
        headers: Pairs,
        security: Callable[[Pairs], Pairs],
        *,
        counted: bool,
    ) -> None:
        self._send = send
        self._security = security
        self.request_id = request_id
        self.headers = headers
        self.counted = counted
        self.status = 0
        self.account_id: str | None = None
        """Whose request under way it is; `front` ends it."""

    async def __call__(self, message: Any) -> None:
        """Send on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = message["headers"]
            message["headers"] = [
                *own,
                *self._security(own),
                *self.headers,
                (b"x-request-id", self.request_id.encode()),
            ]
        await self._send(message)

    def enter(self, deps: Deps, account: Account, *, changes: bool = False) -> None:
        """Count the request as one of this account, as far as this process knows.

        Args:
            deps: parts.
            account: whose it is.
            changes: whether it asks for a change other than a generation.

        Raises:
            Problem: that would be one too many.
        """
        limits = deps.limits
        limits.take_here(limits.policies.account, account.account_id)
        if account.via == "api_key":
            limits.take_here(limits.policies.api_key, account.credential_id)
        if changes:
            limits.take_here(limits.policies.changes, account.account_id)
        if self.counted and self.account_id is None:
            deps.accounts_in_flight.enter(account.account_id)
            self.account_id = account.account_id

    async def enter_shared(self, deps: Deps, account: Account, *, changes: bool = False) -> None:
        """What `enter` leaves to do where gateways count together, or an API key wants to know.

        Raises:
            Problem: that would be one too many.
        """
        limits = deps.limits
        if limits.shared is not None:
            await limits.shared.take(limits.policies.account, account.account_id)
            if changes:
                await limits.shared.take(limits.policies.changes, account.account_id)
        if account.via == "api_key":
            policy, key = limits.policies.api_key, account.credential_id
            if limits.shared is not None:
                await limits.shared.take(policy, key)
            self.headers = [*self.headers, *await limits.left(policy, key)]
