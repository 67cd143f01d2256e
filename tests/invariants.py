"""What must hold of every account after every event, and the books that its postings keep.

Used by the unit tests, the properties and the simulation. Each rule names what it found.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from events.base import Decision
from events.credits import AVAILABLE, DEBT, EARNED, EXPIRED, RESERVED, WRITTEN_OFF
from events.state import Account, Pending, Reservation, balanced


def broken(account: Account) -> list[str]:
    """The rules that `account` breaks, each in a sentence; empty when it is sound."""
    problems = []
    if not balanced(account):
        problems.append(
            f"granted {account.granted} != available {account.available} + reserved "
            f"{account.reserved} + spent {account.spent} + expired {account.expired} "
            f"- debt {account.debt} - written off {account.written_off}"
        )
    figures = {
        "reserved": account.reserved,
        "spent": account.spent,
        "expired": account.expired,
        "debt": account.debt,
        "written off": account.written_off,
        **{f"grant {grant.grant_id}": grant.available for grant in account.grants},
    }
    problems += [f"{name} is {figure}" for name, figure in figures.items() if figure < 0]
    if account.debt > 0 and account.available > 0:
        problems.append(f"a debt of {account.debt} beside {account.available} spendable credits")
    ends = [
        (float("inf") if grant.expires_at_ms is None else grant.expires_at_ms)
        for grant in account.grants
    ]
    if ends != sorted(ends):
        problems.append(f"the grants are not in the order of use: {account.grants}")
    for generation_id, entry in account.open.items():
        if not isinstance(entry, Pending | Reservation):
            problems.append(f"{generation_id} is neither pending nor reserved: {entry}")
        if account.how_closed(generation_id) is not None:
            problems.append(f"{generation_id} is open and closed")
    return problems


class Books:
    """The double entry of one account, kept from the postings alone."""

    def __init__(self) -> None:
        self.balances: Counter[str] = Counter()

    def post(self, event: Any) -> None:
        """Enter the postings of a counted decision; a fact has none."""
        if not isinstance(event, Decision):
            return
        total = sum(posting.credits for posting in event.postings)
        assert total == 0, f"the postings of {event} sum to {total}"
        for posting in event.postings:
            self.balances[posting.account] += posting.credits

    def disagreements(self, account: Account) -> list[str]:
        """Where the books and the state tell different stories."""
        world = sum(balance for name, balance in self.balances.items() if name.startswith("world:"))
        pairs = {
            AVAILABLE: account.available,
            RESERVED: account.reserved,
            DEBT: -account.debt,
            EARNED: account.spent,
            EXPIRED: account.expired,
            WRITTEN_OFF: -account.written_off,
        }
        problems = [
            f"the books say {name} = {self.balances[name]}, the state {figure}"
            for name, figure in pairs.items()
            if self.balances[name] != figure
        ]
        if world != -account.granted:
            problems.append(f"the books say {-world} entered, the state {account.granted}")
        return problems
