"""One partition of the log as its decider sees it: two layers of state, and no I/O at all.

*Confirmed* is folded from the log and nothing else. An account's *overlay* adds its own decisions
that were not read back yet. Decisions are taken on both; a void decision, a foreign one that
counted, or a failed send drops that account's overlay, and what is undecided is decided again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from commands.decide import decide, due_at_ms
from commands.decided import Decided
from commands.policy import DEFAULT, Policy
from events.base import Decision
from events.codec import encode
from events.credits import CreditsGranted, CreditsReserved, CreditsSettled
from events.fold import apply, evolve, freeze
from events.generations import GenerationCompleted
from events.gifts import GiftReturned
from events.ids import AccountId
from events.reading import Poison, ignorable, read
from events.recorded import Recorded, record
from events.state import Account, Reservation
from processors.decider.effects import Discard, Dispatch, Effect, Poisoned, Voided
from processors.decider.overlay import Overlay, Step
from processors.decider.schedule import Schedule


class LogRecord(Protocol):
    """What the partition needs of a consumer's record."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A decision to append: its bytes, and what its headers need."""

    decided: Decided
    value: bytes


class Partition:
    """The accounts of one partition.

    Args:
        accounts: confirmed state as of `next_offset`, from a snapshot; it becomes the partition's.
        next_offset: where reading goes on.
        policy: the figures that decisions go by.
    """

    def __init__(
        self,
        accounts: dict[AccountId, Account] | None = None,
        *,
        next_offset: int = 0,
        policy: Policy = DEFAULT,
    ) -> None:
        self.accounts: dict[AccountId, Account] = {} if accounts is None else accounts
        self.next_offset = next_offset
        self.last_value: bytes | None = None
        """Value bytes of the record before `next_offset`, once one was read."""
        self._overlays: dict[AccountId, Overlay] = {}
        self.in_flight = 0
        """Own decisions that were not read back yet."""
        self._due: dict[AccountId, None] = {}  # an ordered set
        self._schedule = Schedule()
        self._policy = policy

    # Reading -----------------------------------------------------------------------------------

    def fold(self, records: Iterable[LogRecord]) -> list[Effect]:
        """Fold the next records of the log; returns what follows from them, in order."""
        effects: list[Effect] = []
        fold_one, next_offset, one = self._fold_one, self.next_offset, None
        for one in records:
            assert one.offset >= next_offset, "records must come in log order"
            next_offset = one.offset + 1
            fold_one(one, effects)
        if one is not None:
            self.next_offset, self.last_value = next_offset, one.value or b""
        return effects

    def _fold_one(self, one: LogRecord, effects: list[Effect]) -> None:
        account_id = AccountId((one.key or b"").decode("ascii", errors="replace"))
        overlay = self._overlays.get(account_id)
        if overlay is not None and overlay.steps and overlay.steps[0].value == one.value:
            confirmed = self.accounts.get(account_id) or Account(account_id=account_id)
            step = overlay.steps[0]
            if step.before is confirmed:
                # `evolve` is pure: on the same state and bytes it gives what it gave then.
                self._confirm(account_id, overlay, step.after, step.event, effects)
                return
        if ignorable(one.headers):
            return
        recorded = read(one.key, one.value, one.headers, one.timestamp)
        if isinstance(recorded, Poison):
            self._poisoned(one, recorded, effects)
        elif isinstance(recorded.event, Decision):
            self._fold_decision(one, recorded, overlay, effects)
        else:
            self._fold_fact(recorded, overlay, effects)

    def _fold_decision(
        self, one: LogRecord, recorded: Recorded, overlay: Overlay | None, effects: list[Effect]
    ) -> None:
        account_id = recorded.event.account_id
        before = self.accounts.get(account_id) or Account(account_id=account_id)
        after, void = apply(before, recorded)
        own = (
            overlay is not None and bool(overlay.steps) and overlay.steps[0].value == recorded.value
        )
        if void is not None:
            effects.append(Voided(account_id, one.offset, void, own))
            if own:
                self.drop_overlay(account_id)
        elif after is before:
            return  # frozen
        elif own:
            assert overlay is not None
            self._confirm(account_id, overlay, after, recorded.event, effects)
        else:
            self.drop_overlay(account_id)  # a foreign decision won
            self.accounts[account_id] = after
            self._due[account_id] = None
            self._follow(account_id, after, recorded.event, effects)

    def _confirm(
        self,
        account_id: AccountId,
        overlay: Overlay,
        after: Account,
        event: object,
        effects: list[Effect],
    ) -> None:
        self.accounts[account_id] = after
        del overlay.steps[0]
        self.in_flight -= 1
        if not overlay.steps:
            del self._overlays[account_id]
        self._follow(account_id, after, event, effects)

    def _follow(
        self, account_id: AccountId, after: Account, event: object, effects: list[Effect]
    ) -> None:
        """What a counted decision leads to: a job, a timer."""
        if type(event) is CreditsReserved:
            entry = after.open[event.generation_id]
            assert isinstance(entry, Reservation)
            effects.append(Dispatch(account_id, event.generation_id, entry))
            self._schedule.add(account_id, event.deadline_ms)
        elif type(event) is CreditsGranted and event.expires_at_ms is not None:
            self._schedule.add(account_id, event.expires_at_ms)
        elif isinstance(event, CreditsSettled | GiftReturned) and event.returns:
            # Its grant may have been empty when the account was last looked at, and so unplanned.
            due_ms = due_at_ms(after)
            if due_ms is not None:
                self._schedule.add(account_id, due_ms)

    def _fold_fact(
        self, recorded: Recorded, overlay: Overlay | None, effects: list[Effect]
    ) -> None:
        account_id = recorded.event.account_id
        before = self.accounts.get(account_id) or Account(account_id=account_id)
        after = evolve(before, recorded)
        if after is before:
            if type(recorded.event) is GenerationCompleted and _came_late(before, recorded.event):
                effects.append(Discard(recorded.event))
            return
        self.accounts[account_id] = after
        self._due[account_id] = None
        if overlay is not None:
            overlay.state = evolve(overlay.state, recorded)

    def _poisoned(self, one: LogRecord, poison: Poison, effects: list[Effect]) -> None:
        account_id = poison.account_id
        if account_id is not None:
            known = self.accounts.get(account_id) or Account(account_id=account_id)
            self.accounts[account_id] = freeze(known, f"offset {one.offset}: {poison.reason}")
            self.drop_overlay(account_id)
        effects.append(Poisoned(one.offset, poison.reason, account_id))

    # Deciding ----------------------------------------------------------------------------------

    def decide(self, now_ms: int, limit: int = 1_000_000) -> list[Draft]:
        """Decide what is due at the broker's time `now_ms`, on both layers.

        Args:
            now_ms: the broker's time.
            limit: after about so many decisions the rest is left for the next call.
        """
        for account_id in self._schedule.pop_due(now_ms):
            self._due[account_id] = None
            later_ms = due_at_ms(self.accounts[account_id])
            if later_ms is not None:
                self._schedule.add(account_id, max(later_ms, now_ms + 1))
        drafts: list[Draft] = []
        while self._due and len(drafts) < limit:
            account_id = next(iter(self._due))
            del self._due[account_id]
            self._decide_account(account_id, now_ms, drafts)
        return drafts

    def _decide_account(self, account_id: AccountId, now_ms: int, drafts: list[Draft]) -> None:
        overlay = self._overlays.get(account_id)
        state = self.accounts[account_id] if overlay is None else overlay.state
        while (decided := decide(state, now_ms, self._policy)) is not None:
            value = encode(decided.event)
            recorded = record(decided.event, value, now_ms, decided.event_id)
            after, void = apply(state, recorded)
            assert void is None, f"own decision is void at once: {void}, {decided.event}"
            if overlay is None:
                overlay = self._overlays[account_id] = Overlay(state)
            overlay.push(after, recorded)
            self.in_flight += 1
            state = after
            drafts.append(Draft(decided, value))

    def drop_overlay(self, account_id: AccountId) -> None:
        """Forget the speculation on an account and decide anew what is undecided."""
        overlay = self._overlays.pop(account_id, None)
        if overlay is not None:
            self.in_flight -= len(overlay.steps)
        if account_id in self.accounts:
            self._due[account_id] = None

    def drop_overlays(self) -> None:
        """Forget all speculation: the partition goes to another decider."""
        for account_id in list(self._overlays):
            self.drop_overlay(account_id)

    def failed(self, drafts: Iterable[Draft]) -> None:
        """The append of these failed or is of unknown outcome: drop what was built on them."""
        for draft in drafts:
            self.drop_overlay(draft.decided.event.account_id)

    # Taking over -------------------------------------------------------------------------------

    def take_over(self) -> list[Dispatch]:
        """Once the end of the log is reached: look at every account; return the open jobs."""
        open_jobs = []
        for account_id, account in self.accounts.items():
            self._due[account_id] = None
            due_ms = due_at_ms(account)
            if due_ms is not None:
                self._schedule.add(account_id, due_ms)
            for generation_id, entry in account.open.items():
                if isinstance(entry, Reservation) and entry.outcome is None:
                    open_jobs.append(Dispatch(account_id, generation_id, entry))
        return open_jobs

    @property
    def has_due(self) -> bool:
        """Whether `decide` would look at any account at once."""
        return bool(self._due)

    @property
    def next_due_ms(self) -> int | None:
        """When time alone will make something due."""
        return self._schedule.next_ms


def _came_late(account: Account, event: GenerationCompleted) -> bool:
    """Whether other than this result fixed the settlement, so that its objects are nobody's."""
    entry = account.open.get(event.generation_id)
    if isinstance(entry, Reservation) and entry.outcome is not None:
        return entry.outcome.kind != "completed"
    return account.how_closed(event.generation_id) not in {None, "completed"}


__all__ = ["Draft", "LogRecord", "Partition", "Step"]
