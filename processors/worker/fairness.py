"""Whose job is next: fair between tiers by weight, and between the accounts of a tier.

Start-time fair queueing, twice: a flow's first item gets the start tag max(virtual time, the
finish tag of the item before it), its finish tag is the cost over the weight later, and the least
start tag is next. Pure: it knows neither jobs nor time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Generic, NamedTuple, TypeVar

from events.jobs import API, FREE, PAID

Item = TypeVar("Item")

WEIGHTS: Final[Mapping[str, int]] = MappingProxyType({FREE: 1, PAID: 4, API: 4})
"""Of what is made while all wait, free has a ninth, the others four ninths each."""


class Share(NamedTuple):
    """Whose work it is, and how much; see `FairQueue.push`."""

    tier: str = FREE
    account: str = ""
    cost: int = 1


class _Flow:
    __slots__ = ("finish", "start", "waiting", "weight")

    def __init__(self, weight: int) -> None:
        self.weight = weight
        self.start = 0.0
        self.finish = 0.0
        self.waiting = 0


class _Clock:
    """The tags of the flows of one level."""

    def __init__(self) -> None:
        self._flows: dict[str, _Flow] = {}
        self._now = 0.0

    def add(self, name: str, weight: int) -> None:
        """One more item waits in a flow."""
        flow = self._flows.get(name)
        if flow is None:
            flow = self._flows[name] = _Flow(weight)
        if flow.waiting == 0:
            flow.start = max(self._now, flow.finish)
        flow.waiting += 1

    def next(self) -> str:
        """The flow whose turn it is; of equals, the one that came first."""
        waiting = [name for name, flow in self._flows.items() if flow.waiting]
        return min(waiting, key=lambda name: self._flows[name].start)

    def take(self, name: str, cost: int) -> None:
        """An item of this flow, which cost so much, was taken."""
        flow = self._flows[name]
        self._now = flow.start
        flow.finish = flow.start + cost / flow.weight
        flow.waiting -= 1
        if flow.waiting:
            flow.start = flow.finish
        self._forget()

    def _forget(self) -> None:
        """What is idle and has nothing to wait for needs no memory."""
        if not any(flow.waiting for flow in self._flows.values()):
            self._flows.clear()
            self._now = 0.0
            return
        for name in [
            name
            for name, flow in self._flows.items()
            if not flow.waiting and flow.finish <= self._now
        ]:
            del self._flows[name]


class FairQueue(Generic[Item]):
    """Items of accounts in tiers; those of one account in one tier keep their order."""

    def __init__(self) -> None:
        self._tiers = _Clock()
        self._accounts: dict[str, _Clock] = {}
        self._items: dict[tuple[str, str], deque[tuple[Item, int]]] = {}
        self._length = 0

    def __len__(self) -> int:
        """How many wait."""
        return self._length

    def push(self, tier: str, account: str, item: Item, cost: int = 1) -> None:
        """Let an item wait.

        Args:
            tier: of `WEIGHTS`; another one counts as `free`.
            account: whose it is.
            item: what waits.
            cost: how much it takes, in whatever unit; at least 1.
        """
        tier = tier if tier in WEIGHTS else FREE
        self._tiers.add(tier, WEIGHTS[tier])
        self._accounts.setdefault(tier, _Clock()).add(account, 1)
        self._items.setdefault((tier, account), deque()).append((item, max(cost, 1)))
        self._length += 1

    def pop(self) -> Item:
        """The next one.

        Raises:
            IndexError: nobody waits.
        """
        if not self._length:
            raise IndexError("nobody waits")
        tier = self._tiers.next()
        account = self._accounts[tier].next()
        items = self._items[tier, account]
        item, cost = items.popleft()
        if not items:
            del self._items[tier, account]
        self._tiers.take(tier, cost)
        self._accounts[tier].take(account, cost)
        self._length -= 1
        return item
