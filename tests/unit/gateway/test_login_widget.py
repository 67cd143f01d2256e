"""The Telegram Login Widget's data: who it signs in, and everything that signs nobody in."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.init_data import (
    InitData,
    InitDataExpired,
    InitDataInvalid,
    check_init_data,
    sign_init_data,
)
from gateway.identity.login_widget import FIELD_CHARS_MAX, check_login_widget, sign_login_widget
from gateway.identity.pairs import PAIRS_MAX
from gateway.identity.proofs import Proof
from gateway.web.errors import Problem
from gateway.web.http import decode_json
from tests.unit.gateway.signed_by_telegram import NOW, TOKEN, encoded, hash_of

ADA: dict[str, Any] = {
    "id": 42,
    "first_name": "Ada = Augusta",
    "last_name": "L\u00f6v\U0001f511",
    "username": "ada",
    "photo_url": "https://t.me/i/userpic/320/ada.jpg",
}
GENUINE = sign_login_widget(TOKEN, ADA, NOW)


def signed(**changes: Any) -> dict[str, Any]:
    """Fields with a right hash, written from Telegram's rule; a field that is None is missing."""
    fields = {**ADA, "auth_date": NOW, **changes}
    fields = {name: value for name, value in fields.items() if value is not None}
    text = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    key = sha256(TOKEN.encode()).digest()
    return {**fields, "hash": hmac.digest(key, text.encode(), "sha256").hex()}


def check(fields: dict[str, Any], **rest: Any) -> InitData:
    """As the gateway does, at `NOW`."""
    wanted = {
        "bot_token": TOKEN,
        "now_seconds": NOW,
        "max_age_seconds": 3600,
        "skew_seconds": 30,
    }
    return check_login_widget(fields, **(wanted | rest))


def refused_body(text: str) -> Problem:
    """What a body is refused for, before its hash is looked at."""
    headers = [(b"content-type", b"application/json")]
    with pytest.raises(Problem) as refusal:
        decode_json(headers, text.encode(), msgspec.json.Decoder(Proof))
    return refusal.value


def test_what_telegram_signed_is_accepted() -> None:
    """Without a fault it passes, in any order: what is refused below is refused for its fault."""
    assert signed() == GENUINE
    found = check(GENUINE)
    assert (found.user.id, found.user.first_name, found.auth_date) == (42, "Ada = Augusta", NOW)
    assert check(dict(reversed(GENUINE.items()))) == found
    assert check(signed(something_new="of Telegram's")).user.id == 42


def test_1_expired() -> None:
    """Threat 1: data that is a second too old is refused, and the refusal says that it expired."""
    assert check(signed(auth_date=NOW - 3600))
    with pytest.raises(InitDataExpired, match="too old"):
        check(signed(auth_date=NOW - 3601))


def test_2_in_the_future() -> None:
    """Threat 2: data from beyond the skew of clocks is refused."""
    assert check(signed(auth_date=NOW + 30))
    with pytest.raises(InitDataExpired, match="future"):
        check(signed(auth_date=NOW + 31))
    with pytest.raises(InitDataExpired, match="future"):
        check(signed(auth_date=2**53 - 1))


@pytest.mark.parametrize("auth_date", [None, "", str(NOW), "now", -1])
def test_3_no_plain_auth_date(auth_date: Any) -> None:
    """Threat 3: data without a number as `auth_date` is refused, even if it is signed."""
    with pytest.raises(InitDataInvalid, match="auth_date"):
        check(signed(auth_date=auth_date))


@pytest.mark.parametrize(
    "text",
    [
        '{"login_widget": {"id": 42, "id": 43}}',
        '{"login_widget": {"id": 42, "\\u0069d": 43}}',
        '{"login_widget": {"id": 42}, "login_widget": {"id": 43}}',
    ],
)
def test_4_duplicates(text: str) -> None:
    """Threat 4: a field named twice, however it is spelt, is refused: which one was meant?"""
    refusal = refused_body(text)
    assert refusal.code == "invalid-request"
    assert "more than once" in str(refusal)


@pytest.mark.parametrize("name", [*ADA, "auth_date"])
def test_5_anything_taken_away(name: str) -> None:
    """Threat 5: data that lacks what was signed is refused."""
    with pytest.raises(InitDataInvalid, match="does not match"):
        check({one: value for one, value in GENUINE.items() if one != name})


@pytest.mark.parametrize(
    "given_hash",
    [
        None,
        "",
        GENUINE["hash"][:-1],
        GENUINE["hash"] + "0",
        GENUINE["hash"] + "\n",
        GENUINE["hash"].upper(),
        "\uff10" * 64,
        "\u00e9" * 64,
        "0" * 64,
        0,
        "none",
    ],
    ids=repr,
)
def test_9_no_right_hash(given_hash: Any) -> None:
    """Threat 9: a hash that is missing, cut, longer, in capitals, or no hash at all, is refused."""
    fields = {**GENUINE, "hash": given_hash}
    with pytest.raises(InitDataInvalid, match=r"does not match|control"):
        check({name: value for name, value in fields.items() if value is not None})


def test_6_another_bots_token() -> None:
    """Threat 6: data of another bot's widget is refused."""
    with pytest.raises(InitDataInvalid, match="another bot"):
        check(sign_login_widget("999:other", ADA, NOW))


@pytest.mark.parametrize("joint", ["\n", "\r\n", "\r", "\x00", "\x1f", "\x7f"])
def test_8_control_characters(joint: str) -> None:
    """Threat 8: a border between fields cannot be moved: two that make one check string are one."""
    moved = {**GENUINE, "photo_url": f"{ADA['photo_url']}\nusername=ada"}
    del moved["username"]
    for fields in (
        moved,
        signed(first_name=f"Ada{joint}"),
        signed(**{f"first{joint}name": "Ada"}),
        signed(**{f"a=1{joint}id": "43"}),
    ):
        with pytest.raises(InitDataInvalid, match="control characters"):
            check(fields)


def test_8_a_name_that_holds_a_value() -> None:
    """Threat 8: `a` that is `b=c` and `a=b` that is `c` make one check string; one is refused."""
    assert check(signed(a="b=c"))
    for name in ("a=b", "=", ""):
        with pytest.raises(InitDataInvalid, match="control characters"):
            check(signed(**{name: "c"}))


@pytest.mark.parametrize("value", [True, False, 1.0, None, ["x"], {"id": 42}, b"x"], ids=repr)
def test_values_that_are_no_text_and_no_number(value: Any) -> None:
    """What has no one way of writing it down is refused: in a body and in the check itself."""
    with pytest.raises(InitDataInvalid, match="texts and whole numbers"):
        check({**GENUINE, "photo_url": value})
    if not isinstance(value, bytes):
        refusal = refused_body(json.dumps({"login_widget": {**GENUINE, "photo_url": value}}))
        assert refusal.code == "invalid-request"


@pytest.mark.parametrize(
    "widget",
    ["{}", '{"": 1}', '{"id": -1}', '{"id": 9007199254740992}', '{"id": 1e3}', '"id=42"', "[]"],
)
def test_a_body_that_no_widget_makes(widget: str) -> None:
    """Empty objects and names, negative, huge and broken numbers, texts, lists are refused."""
    assert refused_body(f'{{"login_widget": {widget}}}').code == "invalid-request"


def test_too_much_of_anything() -> None:
    """More or longer fields than Telegram ever sends are refused, even if they are signed."""
    most = {f"extra_{number}": "x" for number in range(PAIRS_MAX - len(GENUINE))}
    assert check(signed(**most))
    with pytest.raises(InitDataInvalid, match="too long"):
        check(signed(**most, one_more="x"))
    assert check(signed(photo_url="x" * FIELD_CHARS_MAX))
    for value in ("x" * (FIELD_CHARS_MAX + 1), 10 ** (FIELD_CHARS_MAX + 1)):
        with pytest.raises(InitDataInvalid, match="too long"):
            check(signed(photo_url=value))
    too_long = {"login_widget": {"photo_url": "x" * (FIELD_CHARS_MAX + 1)}}
    assert refused_body(json.dumps(too_long)).code == "invalid-request"
    too_many = {"login_widget": {f"extra_{number}": "x" for number in range(PAIRS_MAX + 1)}}
    assert refused_body(json.dumps(too_many)).code == "invalid-request"
    assert refused_body(json.dumps({"login_widget": {"n" * 65: 1}})).code == "invalid-request"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": "42"},
        {"id": ""},
        {"id": 0},
        {"id": -42},
        {"id": 2**53},
        {"id": 2**64},
        {"is_bot": 1},
        {"is_bot": "true"},
        {"first_name": 5},
        {"first_name": "x" * 257},
        {"username": "x" * 65},
    ],
    ids=str,
)
def test_users_that_are_none(changes: dict[str, Any]) -> None:
    """A bot, an id that is none, or names of other types are refused, if signed too."""
    with pytest.raises(InitDataInvalid, match="no valid user"):
        check(signed(**changes))


def test_init_data_is_no_widgets_data() -> None:
    """What a MiniApp gets passes for nothing that the widget gives, and not reversed."""
    pairs = dict(parse_qsl(sign_init_data(TOKEN, {"id": 42, "first_name": "Ada"}, NOW)))
    as_numbers = {**pairs, "auth_date": NOW, "id": 42}
    as_fields = {**GENUINE, "hash": hash_of({n: str(v) for n, v in GENUINE.items()})}
    for fields in (pairs, {**pairs, "auth_date": NOW}, as_numbers, as_fields):
        with pytest.raises(InitDataInvalid):
            check(fields)
    user = json.dumps({"id": 42, "first_name": "Ada"})
    widgets = sign_login_widget(TOKEN, {"user": user}, NOW)
    for fields in (GENUINE, widgets):
        with pytest.raises(InitDataInvalid, match="does not match"):
            check_init_data(
                encoded({name: str(value) for name, value in fields.items()}),
                bot_token=TOKEN,
                now_seconds=NOW,
                max_age_seconds=3600,
            )


def test_one_digest_however_it_is_written() -> None:
    """What names the proof is what was signed: a number as text, another order, are the same."""
    fields = signed(photo_url="320")
    assert check(fields).digest == check({**fields, "photo_url": 320}).digest
    assert check(fields).digest != check(GENUINE).digest
    assert len(check(fields).digest) == 32


def test_a_refusal_repeats_nothing() -> None:
    """What was sent may be somebody's way in."""
    for fields in ({**GENUINE, "id": 43}, signed(id=None), signed(auth_date=NOW - 9999)):
        with pytest.raises(InitDataInvalid) as refusal:
            check(fields)
        said = str(refusal.value)
        assert GENUINE["hash"] not in said
        assert "Ada" not in said


_values = st.text(max_size=20) | st.integers(-(2**70), 2**70)
_names = st.sampled_from([*GENUINE, "is_bot", "language_code"]) | st.text(max_size=8)


@given(changed=st.dictionaries(_names, _values, max_size=4), without=st.sets(_names, max_size=3))
def test_no_mutation_passes(changed: dict[str, Any], without: set[str]) -> None:
    """Whatever fields are changed, added or taken away: only what was signed signs somebody in."""
    fields = {n: v for n, v in {**GENUINE, **changed}.items() if n not in without}
    try:
        found = check(fields)
    except InitDataInvalid:
        return
    assert {n: str(v) for n, v in fields.items()} == {n: str(v) for n, v in GENUINE.items()}
    assert found.user.id == 42


@given(at=st.integers(0, 63), character=st.characters(exclude_categories=["Cs"]))
def test_no_other_hash_passes(at: int, character: str) -> None:
    """Any character at any place of the hash but the right one is refused."""
    right = GENUINE["hash"]
    if character == right[at]:
        return
    with pytest.raises(InitDataInvalid):
        check({**GENUINE, "hash": right[:at] + character + right[at + 1 :]})
