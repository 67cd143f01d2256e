"""Reads every record as it is appended and checks what must hold, by more than the fold's word.

The fold says what counts. What counted is then held against a second, simpler account of things:
who asked, what was decided how often, which result stood first, and the double entry.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from hashlib import sha256

from events.base import Decision
from events.batches import BatchRequested
from events.chain import Void
from events.codec import Event
from events.credits import CreditsGranted, CreditsReserved, CreditsRevoked, CreditsSettled
from events.fold import apply
from events.fold_facts import REQUEST_WINDOW_MS
from events.generations import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    GenerationRejected,
    GenerationRequested,
)
from events.gifts import (
    GiftClaimed,
    GiftOffered,
    GiftRefused,
    GiftReturned,
    GiftSent,
    GiftUnclaimed,
    part_source,
)
from events.grants import Award
from events.ids import AccountId
from events.purchases import CreditsPurchased, PurchaseRefunded
from events.reading import Poison, read
from events.recorded import Recorded
from events.state import Account
from tests.chaos.simulation.broker import LogEntry
from tests.chaos.simulation.versions import DEARER_CREDITS
from tests.invariants import Books, broken

PRICES = {
    **{("preview", kind): 1 for kind in ("image", "edit", "variation")},
    **{("gpt-image", kind): 3 for kind in ("edit", "variation")},
}
"""Credits for one picture, by model and kind: the auditor's own copy of what is asked for here."""


class BrokenRuleError(AssertionError):
    """A rule of the protocol does not hold."""

    def __init__(self, rule: str, account_id: AccountId | None = None) -> None:
        super().__init__(rule)
        self.account_id = account_id


class Auditor:
    """What one faithful reader knows, and what it holds against the log."""

    def __init__(self) -> None:
        self.accounts: dict[AccountId, Account] = {}
        self.notes: list[str] = []
        """One line per record, for the trace of a failure."""
        self.note_accounts: list[AccountId | None] = []
        self.counted: dict[bytes, int] = {}
        self.voids: list[tuple[bytes, Void]] = []
        self.kinds: Counter[str] = Counter()
        self.requests: dict[str, GenerationRequested] = {}
        self.decided: Counter[tuple[str, str]] = Counter()
        self.purchases: dict[str, int] = {}
        self.refunds: set[str] = set()
        self.offered: set[str] = set()
        self.sent_gifts: dict[str, GiftSent] = {}
        self.unclaimed: set[str] = set()
        self._books: dict[AccountId, Books] = defaultdict(Books)
        self._first_results: dict[str, tuple[str, int]] = {}
        self._reserved: dict[str, CreditsReserved] = {}
        self._heads: dict[AccountId, tuple[str, int]] = {}

    def heard(self, entry: LogEntry) -> None:
        """Read one appended record.

        Raises:
            BrokenRuleError: a rule does not hold any more.
        """
        recorded = read(entry.key, entry.value, entry.headers, entry.timestamp)
        if isinstance(recorded, Poison):
            self._note(entry, None, f"poison: {recorded.reason}")
            return
        account_id = recorded.event.account_id
        before = self.accounts.get(account_id) or Account(account_id=account_id)
        after, void = apply(before, recorded)
        self.accounts[account_id] = after
        effect = void or ("no effect" if after is before else "")
        self._note(entry, recorded.event, effect)
        if void is not None:
            self.voids.append((entry.value, void))
        elif isinstance(recorded.event, Decision):
            self._count(recorded, before)
        else:
            self._remember(recorded)
        problems = broken(after) + self._books[account_id].disagreements(after)
        if problems:
            raise BrokenRuleError("; ".join(problems), account_id)

    def _note(self, entry: LogEntry, event: Event | None, effect: str) -> None:
        name = "?" if event is None else type(event).__name__
        self.notes.append(f"{entry.offset:5} {entry.timestamp} {name} {effect}".rstrip())
        self.note_accounts.append(None if event is None else event.account_id)

    def _remember(self, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, GenerationRequested):
            if abs(event.occurred_at_ms - recorded.appended_at_ms) <= REQUEST_WINDOW_MS:
                self.requests.setdefault(event.generation_id, event)
        elif isinstance(event, BatchRequested):
            if abs(event.occurred_at_ms - recorded.appended_at_ms) <= REQUEST_WINDOW_MS:
                for one in event.requests:
                    self.requests.setdefault(one.generation_id, one)
        elif isinstance(event, GenerationCompleted | GenerationFailed | GenerationCancelled):
            if event.generation_id in self._reserved:
                self._first_results.setdefault(event.generation_id, _result(event))
        elif isinstance(event, CreditsPurchased) and event.credits:
            self.purchases.setdefault(event.purchase_id, event.credits)
        elif isinstance(event, PurchaseRefunded):
            self.refunds.add(event.purchase_id)
        else:
            self._remember_grant(event)

    def _remember_grant(self, event: Event) -> None:
        if isinstance(event, Award) and event.credits:
            self.purchases.setdefault(event.source_id, event.credits)
        elif isinstance(event, GiftOffered):
            self.offered.add(event.gift_id)
        elif isinstance(event, GiftUnclaimed):
            self.unclaimed.add(event.gift_id)
        elif isinstance(event, GiftClaimed):
            for index, part in enumerate(event.parts):
                self.purchases.setdefault(part_source(event.gift_id, index), part.credits)

    def _count(self, recorded: Recorded, before: Account) -> None:
        event = recorded.event
        self._check_chain(recorded)
        self.kinds[_kind(event)] += 1
        self.counted[recorded.value] = recorded.appended_at_ms
        self._books[event.account_id].post(event)
        key: tuple[str, str] | None = None
        if isinstance(event, CreditsReserved):
            key = ("admission", event.generation_id)
            self._reserved[event.generation_id] = event
            _check_price(event, self.requests[event.generation_id])
        elif isinstance(event, GenerationRejected):
            key = ("admission", event.generation_id)
            _check_refusal(event, before)
        elif isinstance(event, CreditsSettled):
            key = ("settlement", event.generation_id)
            self._check_settlement(event)
        elif isinstance(event, CreditsGranted):
            key = ("grant", event.source_id)
        elif isinstance(event, CreditsRevoked):
            key = ("revocation", event.source_id)
        else:
            key = self._gift_key(event)
        if key is not None:
            self.decided[key] += 1
            if self.decided[key] > 1:
                raise BrokenRuleError(f"{key} was decided twice", event.account_id)

    def _gift_key(self, event: Event) -> tuple[str, str] | None:
        if isinstance(event, GiftSent):
            self.sent_gifts[event.gift_id] = event
        if isinstance(event, GiftSent | GiftRefused):
            return "gift", event.gift_id
        return ("return", event.gift_id) if isinstance(event, GiftReturned) else None

    def _check_chain(self, recorded: Recorded) -> None:
        event = recorded.event
        assert isinstance(event, Decision)
        head, length = self._heads.get(event.account_id, ("0" * 64, 0))
        if (event.previous_hash, event.sequence) != (head, length + 1):
            raise BrokenRuleError(f"{event} counts off the chain at {head}", event.account_id)
        self._heads[event.account_id] = (sha256(recorded.value).hexdigest(), length + 1)

    def _check_settlement(self, event: CreditsSettled) -> None:
        reserved = self._reserved.pop(event.generation_id, None)
        if reserved is None:
            raise BrokenRuleError("a settlement without a reservation", event.account_id)
        result = self._first_results.get(event.generation_id)
        if result is None:
            fair = event.outcome in {"timed_out", "erased"} and event.captured == 0
        else:
            outcome, delivered = result
            captured = min(delivered * reserved.price, reserved.credits)
            fair = (event.outcome, event.captured) == (outcome, captured)
        if not fair or event.captured + event.returned != reserved.credits:
            raise BrokenRuleError(
                f"settled {event.outcome} {event.captured}+{event.returned} of {reserved.credits},"
                f" but the first result was {result}",
                event.account_id,
            )

    def conflicts(self) -> int:
        """Void decisions that differ from every counted one: real conflicts, not mere copies."""
        return sum(1 for value, _ in self.voids if value not in self.counted)

    def check_end(self, now_ms: int) -> None:
        """When nothing is due any more: everything is decided once, and nothing is left open.

        Raises:
            BrokenRuleError: something is missing.
        """
        wanted = {("admission", generation_id) for generation_id in self.requests}
        wanted |= {("grant", source_id) for source_id in self.purchases}
        wanted |= {("revocation", key) for key in self.refunds if key in self.purchases}
        wanted |= {("gift", gift_id) for gift_id in self.offered}
        wanted |= {("return", gift_id) for gift_id in self.unclaimed & self.sent_gifts.keys()}
        missing = sorted(key for key in wanted if self.decided[key] != 1)
        if missing or self._reserved:
            raise BrokenRuleError(f"not decided: {missing}; not settled: {list(self._reserved)}")
        self.check_gifts()
        for account_id, account in self.accounts.items():
            overdue = [
                grant
                for grant in account.grants
                if grant.available and (grant.expires_at_ms or now_ms + 1) <= now_ms
            ]
            if account.open or account.due_sources or account.due_gifts or overdue:
                raise BrokenRuleError(f"left open: {account}", account_id)
            if account.erased is not None and (account.available or account.debt):
                raise BrokenRuleError(f"erased, but not written off: {account}", account_id)

    def check_gifts(self) -> None:
        """Between people there is what left its giver and came out nowhere; nothing else.

        Raises:
            BrokenRuleError: credits were made, or lost, on the way.
        """
        between = sum(books.balances["world:gift"] for books in self._books.values())
        parts = {
            part_source(gift_id, index): gift_id
            for gift_id, gift in self.sent_gifts.items()
            for index in range(len(gift.parts))
        }
        received = {gift for source, gift in parts.items() if self.decided[("grant", source)]}
        returned = {gift for gift in self.sent_gifts if self.decided[("return", gift)]}
        if received & returned:
            raise BrokenRuleError(f"received and returned: {received & returned}")
        left = sum(
            gift.credits
            for gift_id, gift in self.sent_gifts.items()
            if gift_id not in received | returned
        )
        if between != left:
            raise BrokenRuleError(f"{between} between people, {left} on the way")


def _kind(event: Event) -> str:
    """What a decision says, in a word or two."""
    name = type(event).__name__
    for field in ("outcome", "reason", "why"):
        if hasattr(event, field):
            name += f" {getattr(event, field)}"
    indebted = getattr(event, "debt_paid", 0) or getattr(event, "debt_added", 0)
    return f"{name} with debt" if indebted else name


def _check_price(event: CreditsReserved, wanted: GenerationRequested) -> None:
    """What is reserved is the price of its kind, or that of the other policy, for each picture."""
    prices = {DEARER_CREDITS, PRICES.get((wanted.model, wanted.kind))}
    if event.price not in prices or event.credits != event.price * wanted.count:
        raise BrokenRuleError(f"{event} is not the price of {wanted}", event.account_id)


def _check_refusal(event: GenerationRejected, before: Account) -> None:
    """Nobody is refused for want of credits that were there."""
    if event.reason != "insufficient_credits":
        return
    there = sum(
        grant.available
        for grant in before.grants
        if grant.expires_at_ms is None or grant.expires_at_ms > event.decided_at_ms
    )
    if event.credits_available != there or event.credits_needed <= there:
        raise BrokenRuleError(f"{event} was refused, but {there} were there", event.account_id)


def _result(
    event: GenerationCompleted | GenerationFailed | GenerationCancelled,
) -> tuple[str, int]:
    if isinstance(event, GenerationCompleted) and event.images:
        return "completed", len(event.images)
    return ("cancelled" if isinstance(event, GenerationCancelled) else "failed"), 0
