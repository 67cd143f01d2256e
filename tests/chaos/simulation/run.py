"""One seeded history from the first record to the last decision."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import msgspec

from events.fold import evolve_all
from events.ids import AccountId
from events.reading import Poison, read
from events.state import Account
from tests.chaos.simulation.auditor import Auditor, BrokenRuleError
from tests.chaos.simulation.broker import Broker
from tests.chaos.simulation.customers import Customers
from tests.chaos.simulation.deciders import Decider, Jobs
from tests.chaos.simulation.versions import TODAY, VERSIONS

STEPS = 240
DECIDERS_MAX = 3
_AFTER_EVERYTHING_MS = 3 * 60 * 60_000
"""Later than every deadline and every expiry that a history can hold."""
_SETTLING_ROUNDS_MAX = 10
_LEAPS_MS = (0, 1, 5, 20, 500, 3_000, 12_000, 60_000, 200_000, 601_000)
_LEAP_WEIGHTS = (400, 200, 200, 200, 100, 60, 30, 15, 4, 3)


class Summary(msgspec.Struct, frozen=True):
    """What one history, or several together, met."""

    histories: int = 0
    records: int = 0
    decisions: int = 0
    voids: int = 0
    conflicts: int = 0
    """Void decisions that differ from every counted one."""
    requests: int = 0
    crashes: int = 0
    snapshots: int = 0
    reasons: dict[str, int] = {}
    """Voids by reason."""
    kinds: dict[str, int] = {}
    """Counted decisions by what they say."""

    def plus(self, other: Summary) -> Summary:
        """Both together."""
        both: dict[str, Any] = {}
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, dict):
                both[name] = dict(Counter(mine) + Counter(theirs))
            else:
                both[name] = mine + theirs
        return Summary(**both)


class Simulation:
    """One partition with its broker, its deciders, its customers and its auditor."""

    decider_class: type[Decider] = Decider

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.auditor = Auditor()
        self.broker = Broker(self.random, self.auditor.heard)
        self.jobs = Jobs()
        self.snapshots: list[bytes] = []
        self.customers = Customers(self.random, self.broker, self.jobs)
        self.customers.sent_gifts = self.auditor.sent_gifts
        self.crashes = 0
        count = self.random.randint(2, DECIDERS_MAX)
        self.deciders = [self._new_decider() for _ in range(count)]

    def _new_decider(self) -> Decider:
        version = self.random.choice(VERSIONS)
        return self.decider_class(version, self.broker, self.jobs, self.snapshots, self.random)

    def run(self, steps: int = STEPS) -> Summary:
        """Let it all happen, then let one decider finish what is due, and check everything.

        Raises:
            BrokenRuleError: a rule of the protocol does not hold.
        """
        for _ in range(steps):
            self._step()
        self._finish()
        self.auditor.check_end(self.broker.now_ms)
        self._check_readers()
        return Summary(
            histories=1,
            records=len(self.broker.log),
            decisions=len(self.auditor.counted),
            voids=len(self.auditor.voids),
            conflicts=self.auditor.conflicts(),
            requests=len(self.auditor.requests),
            crashes=self.crashes,
            snapshots=len(self.snapshots),
            reasons=dict(Counter(void.value for _, void in self.auditor.voids)),
            kinds=dict(self.auditor.kinds),
        )

    def _step(self) -> None:
        random = self.random
        self.broker.now_ms += random.choices(_LEAPS_MS, _LEAP_WEIGHTS)[0]
        dice = random.random()
        if dice < 0.20:
            self.customers.act()
        elif dice < 0.34:
            self.customers.work()
        elif dice < 0.36:
            self.broker.haunt()
        else:
            self._decider_step(random.randrange(len(self.deciders)))

    def _decider_step(self, index: int) -> None:
        random, decider = self.random, self.deciders[index]
        dice = random.random()
        if dice < 0.36:
            if not decider.paused:
                decider.read(random.choice((1, 3, 10, 1_000)))
        elif dice < 0.62:
            decider.decide(random.choice((1, 1_000)))
        elif dice < 0.90:
            decider.send()
        elif dice < 0.92:
            decider.paused = not decider.paused
        elif dice < 0.935:
            decider.revoke()
        elif dice < 0.985:
            data = decider.snapshot()
            if data is not None:
                self.snapshots.append(data)
        else:
            decider.crash()
            self.crashes += 1
            self.deciders[index] = self._new_decider()

    def _finish(self) -> None:
        """One decider of today, which has lived through it all or starts anew, ends it."""
        self.customers.quiet()
        while self.broker.ghosts:
            self.broker.haunt()
        survivors = [one for one in self.deciders if one.version is TODAY]
        if survivors and self.random.random() < 0.7:
            last = self.random.choice(survivors)
        else:
            last = self.decider_class(TODAY, self.broker, self.jobs, self.snapshots, self.random)
        last.finish()
        for _ in range(_SETTLING_ROUNDS_MAX):
            self.broker.now_ms += _AFTER_EVERYTHING_MS
            length = len(self.broker.log)
            last.finish()
            if len(self.broker.log) == length:
                return
        raise BrokenRuleError("the decider never comes to an end")

    def _check_readers(self) -> None:
        """Every reader that follows an account has the same state of it."""
        for decider in self.deciders:
            while decider.partition.next_offset < len(self.broker.log):
                decider.read(1_000_000)
            for account_id, account in self.auditor.accounts.items():
                self._compare(account_id, account, decider.partition.accounts.get(account_id))
        histories: dict[AccountId, list[object]] = {}
        for entry in self.broker.log:
            recorded = read(entry.key, entry.value, entry.headers, entry.timestamp)
            if not isinstance(recorded, Poison):
                histories.setdefault(recorded.event.account_id, []).append(recorded)
        for account_id, history in histories.items():
            again = evolve_all(Account(account_id=account_id), history)  # type: ignore[arg-type]  # all Recorded
            self._compare(account_id, self.auditor.accounts[account_id], again)

    def _compare(self, account_id: AccountId, one: Account, other: Account | None) -> None:
        if other is None:
            other = Account(account_id=account_id)
        if other.frozen is None and other != one:
            raise BrokenRuleError(f"readers disagree: {one} and {other}", account_id)


def trace(auditor: Auditor, account_id: AccountId | None) -> list[str]:
    """The records of one account (of all, if None), with what became of them."""
    return [
        note
        for note, about in zip(auditor.notes, auditor.note_accounts, strict=True)
        if account_id is None or about == account_id
    ]


def shortest(seed: int) -> int:
    """The fewest steps after which the history of `seed` still fails."""
    for fewer in range(10, STEPS, 10):
        try:
            Simulation(seed).run(fewer)
        except Exception:  # noqa: BLE001  whatever it was, it is shorter now
            return fewer
    return STEPS
