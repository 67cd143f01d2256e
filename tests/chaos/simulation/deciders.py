"""A decider process: the project's own `Partition`, with a wire that loses, repeats and delays."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Any

import msgspec

from events.ids import AccountId
from events.recorded import hash_value
from events.snapshot import BadSnapshotError, Cursor, decode_chunks, encode_chunks, read_cursor
from events.state import Account
from processors.decider.effects import Dispatch
from processors.decider.partition import Draft, Partition
from tests.chaos.simulation.broker import Broker, unsent
from tests.chaos.simulation.versions import Version

_SKEWS_MS = (0, 0, -50, -2_000, -60_000, 5_000)
"""How far a decider's idea of the broker's time is off; a lag of a minute, five seconds ahead."""


class Jobs:
    """The jobs topic with its workers' claims: each admitted generation is performed once."""

    def __init__(self) -> None:
        self.waiting: dict[str, Dispatch] = {}
        self.seen: set[str] = set()

    def add(self, job: Dispatch) -> None:
        """Put a job; one that was put before is the same job."""
        if job.generation_id not in self.seen:
            self.seen.add(job.generation_id)
            self.waiting[job.generation_id] = job


class Decider:
    """One process that believes to own the partition."""

    def __init__(
        self, version: Version, broker: Broker, jobs: Jobs, snapshots: list[bytes], random: Random
    ) -> None:
        self.version = version
        self._broker = broker
        self._jobs = jobs
        self._random = random
        self._skew_ms = random.choice(_SKEWS_MS)
        self._wire: deque[list[Draft]] = deque()
        self.partition = self._start(snapshots)
        self._live_at = len(broker.log)
        self.live = False
        self.paused = False

    def _start(self, snapshots: list[bytes]) -> Partition:
        """Load a snapshot that can be used, any of them, or begin at the beginning."""
        policy = self.version.policy
        if not snapshots or self._random.random() < 0.3:
            return Partition(policy=policy)
        data = self._random.choice(snapshots)
        try:
            cursor = read_cursor(data)
            before = self._broker.log[cursor.next_offset - 1].value
            assert hash_value(before) == cursor.hash_before
            accounts = {one.account_id: one for chunk in decode_chunks(data) for one in chunk}
        except BadSnapshotError:
            return Partition(policy=policy)
        return Partition(accounts, next_offset=cursor.next_offset, policy=policy)

    def read(self, count: int) -> None:
        """Read the next `count` records; at the end of what there was at the start, go live."""
        here = self.partition.next_offset
        records: list[Any] = list(self._broker.log[here : here + count])
        if records:
            with self.version.running():
                effects = self.partition.fold(records)
            if self.live:
                for effect in effects:
                    if isinstance(effect, Dispatch):
                        self._jobs.add(effect)
        if not self.live and self.partition.next_offset >= self._live_at:
            self.live = True
            for job in self.partition.take_over():
                self._jobs.add(job)

    def decide(self, limit: int = 1_000_000) -> bool:
        """Decide what is due and put it on the wire; False if there was nothing."""
        if not self.live:
            return False
        with self.version.running():
            drafts = self.partition.decide(self._broker.now_ms + self._skew_ms, limit)
        if drafts:
            self._wire.append(drafts)
        return bool(drafts)

    def send(self) -> None:
        """The next batch on the wire: appended, appended twice, torn, or lost."""
        if not self._wire:
            return
        drafts = self._wire.popleft()
        records = [unsent(one.decided.event, one.value, one.decided.event_id) for one in drafts]
        fate = self._random.random()
        if fate < 0.85:
            cut, failed, copies = len(records), False, 1
        elif fate < 0.90:
            cut, failed, copies = len(records), self._random.random() < 0.5, 2
        else:
            cut, failed, copies = self._random.randint(0, len(records)), True, 1
        for record in records[:cut] * copies:
            self._broker.append(record)
        if failed:
            if self._random.random() < 0.5:
                self._broker.ghosts.append(records[cut:])
            self.partition.failed(drafts)

    def crash(self) -> None:
        """Die; what was on the wire may still land."""
        for drafts in self._wire:
            records = [unsent(one.decided.event, one.value, one.decided.event_id) for one in drafts]
            self._broker.ghosts.append(records[: self._random.randint(0, len(records))])
        self._wire.clear()

    def revoke(self) -> None:
        """Lose the partition and get it back: the confirmed state is kept, the overlay is not."""
        self.partition.drop_overlays()
        self._live_at = len(self._broker.log)
        self.live = False

    def snapshot(self) -> bytes | None:
        """Confirmed state, tied to its place in the log."""
        if self.partition.next_offset == 0:
            return None
        before = self._broker.log[self.partition.next_offset - 1].value
        cursor = Cursor(
            topic="simulated",
            partition=0,
            next_offset=self.partition.next_offset,
            hash_before=hash_value(before),
        )
        if self.version.name == "old":
            cursor = msgspec.structs.replace(cursor, vocabulary="of the old version")
        return b"".join(encode_chunks(cursor, self.confirmed()))

    def confirmed(self) -> dict[AccountId, Account]:
        """What a snapshot holds."""
        return self.partition.accounts

    def finish(self) -> None:
        """Read, decide and append, without faults, until there is nothing more to do."""
        self.paused = False
        self._skew_ms = 0
        while self.partition.next_offset < len(self._broker.log) or not self.live:
            self.read(1_000_000)
        while self._wire:
            drafts = self._wire.popleft()
            for one in drafts:
                self._broker.append(unsent(one.decided.event, one.value, one.decided.event_id))
        self.read(1_000_000)
        while self.decide():
            for one in self._wire.popleft():
                self._broker.append(unsent(one.decided.event, one.value, one.decided.event_id))
            self.read(1_000_000)
