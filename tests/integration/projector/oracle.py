"""What the tables must say, told event by event from the raw JSON, without the project's fold.

Naive on purpose: dictionaries, one event at a time, no batches, no database. It believes the
chain by its hashes alone, so it fits histories in which every void decision is off the chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

ZERO = "0" * 64
Row = dict[str, Any]


class Oracle:
    """Rows by table and key."""

    def __init__(self) -> None:
        self.generations: dict[str, Row] = {}
        self.images: dict[str, Row] = {}
        self.balances: dict[str, int] = {}
        self.ledger: dict[tuple[str, int], Row] = {}
        self.purchases: dict[str, Row] = {}
        self.erased: set[str] = set()
        self.voids = 0
        self._heads: dict[str, tuple[str, int]] = {}
        self._closed: set[str] = set()
        self._undecided: set[str] = set()
        self._reserved: set[str] = set()
        self._refunds: dict[str, int] = {}

    def read(self, records: Iterable[Any]) -> Oracle:
        """All records of a log, in order within each account."""
        for record in records:
            event = json.loads(record.value)
            kind = event["type"].removesuffix(".v1")
            if "previous_hash" in event:
                account, digest = event["account_id"], hashlib.sha256(record.value).hexdigest()
                head = self._heads.get(account, (ZERO, 0))
                if (event["previous_hash"], event["sequence"]) != (head[0], head[1] + 1):
                    self.voids += 1
                    continue
                self._heads[account] = (digest, event["sequence"])
                self._link(kind, event, digest)
            kind = "batch" if kind == "BatchRequested" else kind
            getattr(self, f"_{kind}", lambda *_: None)(event, record.timestamp)
        return self

    def _link(self, kind: str, event: Row, digest: str) -> None:
        account = event["account_id"]
        moved = sum(n for name, n in event.get("postings", []) if name == "user:available")
        self.balances[account] = self.balances.get(account, 0) + moved
        row = {"type": kind, "credits": moved, "available_after": self.balances[account]}
        self.ledger[account, event["sequence"]] = row | {"value_hash": digest}

    def _GenerationRequested(self, event: Row, at_ms: int) -> None:  # noqa: N802
        key = event["generation_id"]
        if key in self._closed or key in self._undecided or key in self._reserved:
            return
        self._undecided.add(key)
        if event["account_id"] not in self.erased:
            self.generations[key] = {
                "account": event["account_id"],
                "status": "pending",
                "count": event["count"],
                "requested_at_ms": at_ms,
                "started_at_ms": None,
                "error_code": None,
                "credits_captured": None,
                "deleted_at_ms": None,
                "bin": -1,
                "result": None,
            }

    def _batch(self, event: Row, at_ms: int) -> None:
        keys = {one["generation_id"] for one in event["requests"]}
        if keys & (self._closed | self._undecided | self._reserved):
            return
        for one in event["requests"]:
            self._GenerationRequested(one, at_ms)

    def _CreditsReserved(self, event: Row, _at_ms: int) -> None:  # noqa: N802
        self._undecided.discard(event["generation_id"])
        self._reserved.add(event["generation_id"])

    def _GenerationRejected(self, event: Row, _at_ms: int) -> None:  # noqa: N802
        key = event["generation_id"]
        self._undecided.discard(key)
        self._closed.add(key)
        self._set(key, status="rejected", error_code=event["reason"])

    def _GenerationStarted(self, event: Row, at_ms: int) -> None:  # noqa: N802
        key = event["generation_id"]
        row = self.generations.get(key)
        if row is not None and key in self._reserved and row["result"] is None:
            row["status"] = "processing"
            row["started_at_ms"] = row["started_at_ms"] or at_ms

    def _result(self, event: Row, status: str, error_code: str | None) -> bool:
        key = event["generation_id"]
        row = self.generations.get(key)
        if row is None or key not in self._reserved or row["result"] is not None:
            return False
        row |= {"status": status, "error_code": error_code, "result": status}
        return True

    def _GenerationCompleted(self, event: Row, _at_ms: int) -> None:  # noqa: N802
        made = bool(event["images"])
        status, code = ("done", None) if made else ("failed", "no_pictures")
        erased = event["account_id"] in self.erased
        if self._result(event, status, code) and not erased:
            for image in event["images"]:
                self.images[image["image_id"]] = image | {
                    "account": event["account_id"],
                    "deleted_at_ms": None,
                    "bin": -1,
                }

    def _GenerationFailed(self, event: Row, _at_ms: int) -> None:  # noqa: N802
        self._result(event, "failed", event["reason"])

    def _GenerationCancelled(self, event: Row, _at_ms: int) -> None:  # noqa: N802
        self._result(event, "cancelled", None)

    def _CreditsSettled(self, event: Row, _at_ms: int) -> None:  # noqa: N802
        key = event["generation_id"]
        self._reserved.discard(key)
        self._closed.add(key)
        self._set(key, credits_captured=event["captured"])
        if event["outcome"] in {"timed_out", "erased"}:
            self._set(key, status="failed", error_code=event["outcome"])

    def _move(self, row: Row | None, event: Row, deleted_at_ms: int | None) -> None:
        if row is not None and event["occurred_at_ms"] > row["bin"]:
            row |= {"bin": event["occurred_at_ms"], "deleted_at_ms": deleted_at_ms}

    def _GenerationDeleted(self, event: Row, at_ms: int) -> None:  # noqa: N802
        self._move(self.generations.get(event["generation_id"]), event, at_ms)

    def _GenerationRestored(self, event: Row, _at_ms: int) -> None:  # noqa: N802
        self._move(self.generations.get(event["generation_id"]), event, None)

    def _ImageDeleted(self, event: Row, at_ms: int) -> None:  # noqa: N802
        self._move(self.images.get(event["image_id"]), event, at_ms)

    def _CreditsPurchased(self, event: Row, at_ms: int) -> None:  # noqa: N802
        key = event["purchase_id"]
        refunded = self._refunds.get(key)
        row = {"credits": event["credits"], "purchased_at_ms": at_ms, "refunded_at_ms": refunded}
        self.purchases.setdefault(key, row)

    def _PurchaseRefunded(self, event: Row, at_ms: int) -> None:  # noqa: N802
        key = event["purchase_id"]
        self._refunds.setdefault(key, at_ms)
        if key in self.purchases:
            self.purchases[key]["refunded_at_ms"] = self._refunds[key]

    def _AccountErased(self, event: Row, _at_ms: int) -> None:  # noqa: N802
        account = event["account_id"]
        if account in self.erased:
            return
        self.erased.add(account)
        for rows in (self.generations, self.images):
            for key in [key for key, row in rows.items() if row["account"] == account]:
                del rows[key]

    def _set(self, key: str, **values: Any) -> None:
        if key in self.generations:
            self.generations[key] |= values
