"""One seeded history of payments, and what must be so at its end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from events.purchases import CreditsPurchased, PaymentFinding, PurchaseRefunded
from events.reading import read
from events.recorded import Recorded
from gateway.money.mending import mendable
from projections.audit.reconciling import Outcome
from tests.chaos.payments.books import mend, reconciled
from tests.chaos.payments.gateways import Database, Gateway, Log, Notice
from tests.chaos.payments.liars import Payers
from tests.chaos.simulation.auditor import BrokenRuleError
from tests.chaos.simulation.customers import Customers
from tests.chaos.simulation.run import Simulation
from tests.chaos.simulation.run import Summary as Protocol

STEPS = 400
GATEWAYS = 2
MENDED_SHARE = 0.5
"""Of histories: somebody appends what is missing, and all is compared again."""


class Met(msgspec.Struct, frozen=True):
    """What one history, or several together, met."""

    histories: int = 0
    payments: int = 0
    deliveries: int = 0
    """Of notices, each 1 to 5 times and again after what failed."""
    failed: int = 0
    """Deliveries that were made again: their gateway was killed, or the log did not answer."""
    kills: int = 0
    repeats: int = 0
    """Facts of purchases and refunds that stand in the log more than once."""
    findings: int = 0
    debts: int = 0
    """Refunds and chargebacks of what was spent already."""
    owing: int = 0
    """Accounts that owe in the end."""
    planted: dict[str, int] = {}
    """Differences that were planted, and found, by kind."""

    def plus(self, other: Met) -> Met:
        """Both together."""
        both: dict[str, Any] = {}
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, dict):
                both[name] = dict(Counter(mine) + Counter(theirs))
            else:
                both[name] = mine + theirs
        return Met(**both)


class Spenders(Customers):
    """People who only spend: what comes in comes from payments."""

    def spend(self) -> None:
        """Ask for as much as there may be."""
        self._ask(self._random.choice(self.accounts))

    def act(self) -> None:
        """Ask for pictures; repeat oneself; change one's mind; be told two things."""
        acts = ((self._ask, 30), (self._repeat, 10), (self._cancel, 4), (self._contradict, 4))
        act = self._random.choices([one for one, _ in acts], [weight for _, weight in acts])[0]
        act(self._random.choice(self.accounts))


class History(Simulation):
    """A partition as in the simulation, with gateways before it and providers before those."""

    gateway_class: type[Gateway] = Gateway

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.customers: Spenders = Spenders(self.random, self.broker, self.jobs)
        accounts = dict(enumerate(self.customers.accounts, start=1_000))
        self.payers = Payers(self.random, self.broker, accounts)
        self.database = Database(self.broker, accounts)
        self.payers.is_told = lambda paid: self.database.has_taken(paid.source)
        self.log = Log(self.broker, self.random)
        self.gateways = [
            self.gateway_class(self.payers.till, self.database, self.log, self.random)
            for _ in range(GATEWAYS)
        ]
        self.delivered = self.failed = self.kills = 0

    def told(self) -> Met:
        """Let it all happen, and check what must be so.

        Raises:
            BrokenRuleError: it is not.
        """
        self.run(STEPS)
        facts = self._facts()
        self._check_purchases(facts)
        owing = self._check_balances()
        planted = Counter(kind for kind, _ in self.payers.planted)
        self._check_reconciliation(facts)
        counts = Counter(
            (type(one.event), one.event_id)
            for one in facts
            if isinstance(one.event, CreditsPurchased | PurchaseRefunded)
        )
        return Met(
            histories=1,
            payments=len(self.payers.payments),
            deliveries=self.delivered,
            failed=self.failed,
            kills=self.kills,
            repeats=sum(count - 1 for count in counts.values()),
            findings=len(self.payers.lies),
            debts=sum(
                count
                for kind, count in self.auditor.kinds.items()
                if kind.startswith("CreditsRevoked") and kind.endswith("with debt")
            ),
            owing=owing,
            planted=dict(planted),
        )

    def run(self, steps: int = STEPS) -> Protocol:
        """As the simulation's: every rule of the protocol holds, too."""
        return super().run(steps)

    def _step(self) -> None:
        dice = self.random.random()
        if dice < 0.08:
            self.payers.act()
        elif dice < 0.14:
            self.customers.spend()
        elif dice < 0.22:
            self.customers.work()
        elif dice < 0.40:
            for _ in range(self.random.choice((1, 4, 30))):
                self._gateway_step()
        else:
            super()._step()

    def _gateway_step(self) -> None:
        gateway = self.random.choice(self.gateways)
        dice = self.random.random()
        if dice < 0.25:
            self._begin(gateway)
        elif dice < 0.28:
            self.database.project(self.random.choice((1, 5, 1_000)))
        elif dice < 0.295:
            self.kills += 1
            self._again(gateway.kill())
        else:
            self._go_on(gateway)

    def _begin(self, gateway: Gateway) -> None:
        deliveries = self.payers.deliveries
        if deliveries:
            self.delivered += 1
            gateway.take(deliveries.pop(self.random.randrange(len(deliveries))))

    def _go_on(self, gateway: Gateway) -> None:
        failed = gateway.step()
        if failed is not None:
            self._again([failed])

    def _again(self, notices: list[Notice]) -> None:
        self.failed += len(notices)
        self.payers.deliveries.extend(notices)

    def _finish(self) -> None:
        """Money goes back for a last time, everything is delivered, and a decider ends it."""
        for _ in range(self.random.choice((0, 2, 6, 12))):
            self.payers.regret()
        self.log.is_calm = True
        while self.payers.deliveries or any(one.is_busy for one in self.gateways):
            gateway = self.random.choice(self.gateways)
            if self.random.random() < 0.3:
                self._begin(gateway)
            self._go_on(gateway)
        super()._finish()

    def _facts(self) -> list[Recorded]:
        found = (read(one.key, one.value, one.headers, one.timestamp) for one in self.broker.log)
        return [one for one in found if isinstance(one, Recorded)]

    def _check_purchases(self, facts: list[Recorded]) -> None:
        """Every payment that was told of is one credit, and no lie is any."""
        decided = self.auditor.decided  # it fails where something is decided twice
        for paid in self.payers.payments:
            times = decided["grant", paid.source]
            if times != paid.is_heard:
                raise BrokenRuleError(f"{paid} was granted {times} times", paid.account)
        found = {one.event.purchase_id for one in facts if isinstance(one.event, PaymentFinding)}
        missing = set(self.payers.lies) - found
        if missing:
            raise BrokenRuleError(f"what was told of {sorted(missing)} was not found to be wrong")

    def _check_balances(self) -> int:
        """What is left, or owed, is what purchases are worth less what was spent: no more."""
        owing = 0
        for account_id in self.customers.accounts:
            account = self.auditor.accounts.get(account_id)
            worth = self.payers.worth(account_id)
            left = worth - (account.spent if account else 0)
            held = (account.available, account.debt) if account else (0, 0)
            if held != (max(left, 0), max(-left, 0)):
                raise BrokenRuleError(f"{held} where {left} are left of {worth}", account_id)
            owing += left < 0
        return owing

    def _check_reconciliation(self, facts: list[Recorded]) -> None:
        """It finds exactly what was planted; what is mended then is right, and stays mended."""
        outcome = reconciled(self.payers, facts)
        self._must_find(outcome)
        if self.random.random() < MENDED_SHARE:
            self.payers.mended()
            count = mend(outcome, self.database, self.log, self.payers.till)
            if count != len(mendable(outcome.differences)):
                raise BrokenRuleError(f"{count} were mended")
            super()._finish()
            self.auditor.check_end(self.broker.now_ms)
            facts = self._facts()
            self._check_purchases(facts)
            self._check_balances()
            self._must_find(reconciled(self.payers, facts))

    def _must_find(self, outcome: Outcome) -> None:
        found = {(one.kind, one.purchase_id) for one in outcome.differences}
        if found != self.payers.planted:
            raise BrokenRuleError(
                f"not found: {sorted(self.payers.planted - found)};"
                f" not planted: {sorted(found - self.payers.planted)}"
            )
