"""The oracle on what begins with photos, and on batches: honest histories pass, forged ones not."""

from __future__ import annotations

import json
from typing import Any

from msgspec.structs import replace

from events.uploads import UploadCompleted
from tests.chaos.books import Logged
from tests.chaos.oracle import judge
from tests.chaos.test_oracle import changed, rechained, where
from tests.given import ACCOUNT, SECOND, START_MS, Told, asks, bought, given, signed_up
from tests.unit.commands.test_batches import batch, done

UPLOAD = "0c000000-0000-4000-8000-000000000001"


def of_kind(name: str, kind: str) -> Told:
    event: Any = asks(name, 2, model="gpt-image").event
    return Told(replace(event, kind=kind))


def photo() -> Told:
    return Told(
        UploadCompleted(
            account_id=ACCOUNT,
            occurred_at_ms=START_MS,
            upload_id=UPLOAD,
            object_key=f"uploads/{ACCOUNT}/{UPLOAD}.webp",
            content_type="image/webp",
            width=64,
            height=64,
            size_bytes=4,
            sha256="00" * 32,
            scan="unchecked",
        )
    )


def history() -> list[Logged]:
    """An edit and a variation that nobody makes in time, and a batch for more than there is."""
    told = given(signed_up(credits=5)).when(bought("pack", 10), photo())
    told.when(of_kind("edit", "edit"), of_kind("variation", "variation"))
    told.when(batch("b", asks("x"), asks("x", 2), asks("x")).after(20 * SECOND))
    told.when(*(done("b", index).after(21 * SECOND) for index in range(3)))
    told.when(START_MS + 3600 * SECOND)
    return [
        Logged(one.event.account_id.encode(), one.value, one.appended_at_ms) for one in told.log
    ]


def test_every_kind_has_its_price() -> None:
    """An edit and a variation cost three credits a picture, what is in a batch as if it were not.

    What nobody made in time returns; of a batch each is decided and settled by itself.
    """
    verdict = judge(history())
    assert verdict.problems == []
    assert verdict.uploads == {UPLOAD}
    told = [(one.kind, one.cost, one.status) for one in verdict.generations.values()]
    assert told == [
        ("edit", 6, "failed"),
        ("variation", 6, "failed"),
        ("image", 1, "done"),
        ("image", 2, "done"),
        ("image", 1, "rejected"),
    ]


def test_an_edit_at_the_price_of_a_picture_is_found_out() -> None:
    """Whoever forgets the kind reserves too little."""
    log = history()
    less = [["user:available", -4], ["user:reserved", 4]]
    place = where(log, "CreditsReserved.v1")
    (draw,) = json.loads(log[place].value)["draws"][:1]
    forged = changed(log, place, credits=4, price=2, postings=less, draws=[[draw[0], 4]])
    assert any("reserves a wrong amount" in one for one in judge(forged).problems)


def test_a_batch_that_is_told_again_asks_for_nothing_more() -> None:
    """The same command twice in the log is one batch, as the chain says too."""
    log = history()
    again = log[where(log, "BatchRequested.v1")]
    verdict = judge(rechained([*log, again]))
    assert verdict.problems == []
    assert len(verdict.generations) == 5


def test_what_was_paid_is_read_from_results_and_lost_calls() -> None:
    """The costs that workers tell are kept by result and by attempt, once each."""
    log = history()
    place = where(log, "GenerationCompleted.v1")
    log = changed(log, place, cost_micros=68_000)
    event = json.loads(log[place].value)
    lost = {
        "type": "ProviderCallUncertain.v1",
        **{name: event[name] for name in ("account_id", "generation_id", "occurred_at_ms")},
        "attempt": 1,
        "provider": "openai",
        "cost_micros": 34_000,
    }
    told = log[place]._replace(value=json.dumps(lost).encode())
    verdict = judge([*log[:place], told, told, *log[place:], log[place]])
    one = verdict.generations[event["generation_id"]]
    assert list(one.paid.values()) == [("completed", 68_000)]
    assert one.uncertain_attempts == {1: 34_000}
