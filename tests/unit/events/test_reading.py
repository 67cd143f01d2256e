"""From raw records to events; poison in every form, and what it may do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from events import codec, ids
from events.accounts import UserRegistered
from events.codec import UndecodableError, decode, encode, tag_of
from events.envelope import header, headers_for, parse, rfc3339
from events.generations import GenerationStarted
from events.ids import EventId
from events.reading import Poison, ignorable, read
from events.recorded import Recorded, hash_value
from tests.given import ACCOUNT, START_MS, asks, bought, signed_up

_KEY = ACCOUNT.encode()
_PURCHASE: Any = bought("p", 5).event
_REQUEST: Any = asks("g").event

Headers = Sequence[tuple[str, bytes]]


def _headers(event: Any, **other: str) -> Headers:
    return headers_for(
        event,
        ids.fact_id(ACCOUNT, "test"),
        source="/pixelpop/test",
        time_ms=START_MS,
        correlation_id=ACCOUNT,
        **other,
    )


def _changed(event: Any, **fields: Any) -> bytes:
    payload = msgspec.json.decode(encode(event))
    return msgspec.json.encode({**payload, **fields})


def _poison(key: bytes | None, value: bytes | None, headers: Headers) -> Poison:
    found = read(key, value, headers, START_MS)
    assert isinstance(found, Poison), found
    return found


def test_what_is_written_is_read() -> None:
    """An event comes back equal, with its bytes, their hash, its time, id and trace."""
    trace = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    value = encode(_REQUEST)
    found = read(_KEY, value, _headers(_REQUEST, traceparent=trace), 12)
    assert found == Recorded(
        _REQUEST, value, hash_value(value), 12, ids.fact_id(ACCOUNT, "test"), trace
    )


def test_the_headers_are_cloudevents_in_binary_mode() -> None:
    """Every attribute that CloudEvents demands is there, and reads back."""
    written = headers_for(
        _PURCHASE,
        EventId("an-id"),
        source="/pixelpop/gateway",
        time_ms=1_700_000_000_123,
        correlation_id="flow",
        causation_id="before",
        traceparent="trace",
    )
    assert dict(written) == {
        "ce_id": b"an-id",
        "ce_type": b"pixelpop.CreditsPurchased.v1",
        "ce_source": b"/pixelpop/gateway",
        "ce_specversion": b"1.0",
        "ce_time": b"2023-11-14T22:13:20.123Z",
        "ce_subject": _KEY,
        "ce_class": b"money",
        "content-type": b"application/json",
        "correlationid": b"flow",
        "causationid": b"before",
        "traceparent": b"trace",
    }
    envelope = parse(written)
    assert envelope.type == "CreditsPurchased.v1"
    assert envelope.event_class == "money"
    assert envelope.causation_id == "before"


def test_foreign_headers_read_as_missing() -> None:
    """Missing and non-UTF-8 headers are None, never an error."""
    assert parse([]).event_id is None
    assert header([("ce_id", b"\xff")], "ce_id") is None


def test_times_are_exact_to_the_millisecond() -> None:
    """RFC 3339 in UTC."""
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1_700_000_000_007) == "2023-11-14T22:13:20.007Z"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"[" * 100_000,
        b'{"type":"CreditsPurchased.v1","z":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type":"Unheard.v1","z":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        b'{"type":7}',
        _changed(_PURCHASE, credits=-1),
        _changed(_PURCHASE, credits=10**400),
        _changed(_PURCHASE, credits=2**63),
        _changed(_PURCHASE, credits=1.5),
        _changed(_PURCHASE, credits="5"),
        _changed(_PURCHASE, credits=True),
        _changed(_PURCHASE, credits=None),
        _changed(_PURCHASE, purchase_id="../../x"),
        _changed(_PURCHASE, purchase_id=_PURCHASE.purchase_id + "\n"),
        _changed(_PURCHASE, pack_id="nul \x00"),
        _changed(_PURCHASE, expires_at_ms=10**18),
        _changed(_PURCHASE, type="CreditsPurchased.v2"),
        encode(_PURCHASE)[:-2],
    ],
)
def test_unreadable_money_freezes_its_account(value: bytes) -> None:
    """Whatever is wrong with a record that claims to be money, the account it names freezes."""
    assert _poison(_KEY, value, _headers(_PURCHASE)).account_id == ACCOUNT


@pytest.mark.parametrize("value", [b"", b"{", _changed(_REQUEST, count=-1)])
def test_an_unreadable_fact_freezes_nothing(value: bytes) -> None:
    """No credit follows from it: it is set aside and the account goes on."""
    assert _poison(_KEY, value, _headers(_REQUEST)).account_id is None


def test_a_type_of_money_freezes_whatever_its_class_header_says() -> None:
    """A newer version of a known name, by `ce_type` or by payload, is what its name says."""
    lying = (("ce_type", b"pixelpop.CreditsReserved.v9"), ("ce_class", b"fact"))
    assert _poison(_KEY, b"{", lying).account_id == ACCOUNT
    assert _poison(_KEY, b'{"type":"CreditsSettled.v9"}', ()).account_id == ACCOUNT


def test_an_unknown_fact_freezes_nothing_and_unknown_money_does() -> None:
    """Of a type that this version never heard of, `ce_class` alone tells."""
    value = b'{"type":"SomethingNew.v1"}'
    kind = ("ce_type", b"pixelpop.SomethingNew.v1")
    assert _poison(_KEY, value, (kind, ("ce_class", b"fact"))).account_id is None
    assert _poison(_KEY, value, (kind, ("ce_class", b"decision"))).account_id == ACCOUNT


def test_unreadable_money_under_a_foreign_key_freezes_nobody() -> None:
    """A key that is no account id names nobody to freeze."""
    for key in (None, b"", b"\xff", b"nobody"):
        assert _poison(key, b"{", _headers(_PURCHASE)).account_id is None


def test_another_accounts_key_is_poison() -> None:
    """An event under a key that is not its account's stands in a foreign order."""
    other = b"0a000000-0000-4000-8000-000000000009"
    for key in (other, None, b"", _KEY + b"\n"):
        assert "key" in _poison(key, encode(_PURCHASE), _headers(_PURCHASE)).reason


def test_a_type_header_that_lies_is_poison() -> None:
    """`ce_type` must be the type of the payload."""
    assert "ce_type" in _poison(_KEY, encode(_PURCHASE), _headers(_REQUEST)).reason
    assert "ce_type" in _poison(_KEY, encode(_PURCHASE), ()).reason


def test_of_a_header_told_twice_the_first_counts_for_every_reader() -> None:
    """Nobody can show one type to readers that look ahead and another to those that decode."""
    twice = (*_headers(_PURCHASE), ("ce_type", b"pixelpop.GenerationStarted.v1"))
    assert not ignorable(twice)
    assert isinstance(read(_KEY, encode(_PURCHASE), twice, 1), Recorded)
    turned = tuple(reversed(twice))
    assert ignorable(turned)
    assert isinstance(read(_KEY, encode(_PURCHASE), turned, 1), Poison)


def test_a_record_without_a_value_is_poison() -> None:
    """A tombstone means nothing in a log that is never compacted."""
    assert _poison(_KEY, None, _headers(_PURCHASE)).account_id is None


def test_overlong_headers_are_not_kept() -> None:
    """What the state would keep is bounded: a trace parent of a megabyte is none."""
    found = read(_KEY, encode(_REQUEST), _headers(_REQUEST, traceparent="x" * 1_000_000), 1)
    assert isinstance(found, Recorded)
    assert found.traceparent is None


def test_the_reason_does_not_carry_the_record_along() -> None:
    """However long the record is, why it is poison stays short."""
    assert len(_poison(_KEY, _changed(_PURCHASE, type="x" * 1_000_000), ()).reason) <= 300


def test_only_events_without_effect_are_ignorable() -> None:
    """Those that the fold never looks at, by header alone."""
    started = GenerationStarted(
        account_id=ACCOUNT,
        occurred_at_ms=1,
        generation_id=_REQUEST.generation_id,
        attempt=1,
        provider="local",
    )
    assert ignorable(_headers(started))
    assert not ignorable(_headers(_REQUEST))
    assert not ignorable(())


def test_fields_of_a_newer_writer_are_passed_over() -> None:
    """An added field does not stop an older reader."""
    assert decode(_changed(_PURCHASE, invented_later={"a": [1]})) == _PURCHASE


def test_an_old_version_is_upcast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag with an upcast decodes as the newest version; its bytes and their hash stay."""

    def from_v0(payload: dict[str, Any]) -> dict[str, Any]:
        return {**payload, "type": "UserRegistered.v1", "welcome_credits": payload["gift"]}

    monkeypatch.setitem(codec.UPCASTS, "UserRegistered.v0", from_v0)
    value = msgspec.json.encode(
        {"type": "UserRegistered.v0", "account_id": ACCOUNT, "occurred_at_ms": 1, "gift": 5}
    )
    old = (("ce_type", b"pixelpop.UserRegistered.v0"), ("ce_class", b"money"))
    found = read(_KEY, value, old, 7)
    assert isinstance(found, Recorded)
    assert isinstance(found.event, UserRegistered)
    assert found.event.welcome_credits == 5
    assert (found.value, found.value_hash) == (value, hash_value(value))
    lying = (("ce_type", b"pixelpop.CreditsPurchased.v0"), ("ce_class", b"money"))
    assert isinstance(read(_KEY, value, lying, 7), Poison)


def test_an_upcast_that_fails_is_poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old record that its upcast cannot read freezes like any other unreadable money."""
    monkeypatch.setitem(codec.UPCASTS, "UserRegistered.v0", lambda payload: payload["missing"])
    with pytest.raises(UndecodableError) as caught:
        decode(b'{"type":"UserRegistered.v0"}')
    assert caught.value.freezes


def test_tags_name_type_and_version() -> None:
    """Every tag is `Name.vN`, and the name is the class's."""
    for tag, kind in codec.EVENT_TYPES.items():
        name, _, version = tag.partition(".v")
        assert (name, version.isdigit()) == (kind.__name__, True)
    assert tag_of(signed_up().event) == "UserRegistered.v1"
