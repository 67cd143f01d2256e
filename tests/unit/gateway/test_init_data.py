"""Telegram init data: every way in which it can be wrong is refused."""

from __future__ import annotations

import base64
import hmac
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.identity.init_data import (
    InitDataExpired,
    InitDataInvalid,
    check_init_data,
    sign_init_data,
)

TOKEN = "123456:test-token"
NOW = 1_800_000_000
USER = {"id": 42, "first_name": "Ада", "last_name": "L + M", "language_code": "en"}


def check(text: str, *, token: str = TOKEN, now: float = NOW, skew: int = 30):
    return check_init_data(
        text, bot_token=token, now_seconds=now, max_age_seconds=3600, skew_seconds=skew
    )


def sign(pairs: dict[str, str], token: str = TOKEN) -> str:
    """The hash of any pairs, as Telegram would make it."""
    secret = hmac.digest(b"WebAppData", token.encode(), "sha256")
    text = "\n".join(f"{name}={pairs[name]}" for name in sorted(pairs))
    return hmac.digest(secret, text.encode(), "sha256").hex()


def encoded(pairs: dict[str, str]) -> str:
    return "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs.items()
    )


def signed(**pairs: str) -> str:
    return encoded({**pairs, "hash": sign(pairs)})


def test_what_telegram_signed_is_accepted() -> None:
    """Signed data names its user, blanks and plus signs included."""
    found = check(sign_init_data(TOKEN, USER, NOW - 10))
    assert found.user.id == 42
    assert (found.user.first_name, found.user.last_name) == ("Ада", "L + M")
    assert found.auth_date == NOW - 10


def test_the_signature_pair_is_part_of_what_is_signed() -> None:
    """Only `hash` is left out of the check string; with `signature` removed the data is refused."""
    pairs = {"auth_date": str(NOW), "user": '{"id":1}', "signature": "c2ln"}
    whole = encoded({**pairs, "hash": sign(pairs)})
    assert check(whole).user.id == 1
    with pytest.raises(InitDataInvalid):
        check(whole.replace("signature=c2ln&", ""))


def test_expired_data_is_refused() -> None:
    """A second too old is too old."""
    text = sign_init_data(TOKEN, USER, NOW - 3600)
    assert check(text).user.id == 42
    with pytest.raises(InitDataExpired):
        check(text, now=NOW + 1)


def test_data_from_the_future_is_refused() -> None:
    """Beyond the small skew of clocks it is refused."""
    assert check(sign_init_data(TOKEN, USER, NOW + 30)).user.id == 42
    with pytest.raises(InitDataExpired):
        check(sign_init_data(TOKEN, USER, NOW + 31))


@pytest.mark.parametrize(
    "auth_date", ["", "soon", "-1", "1e9", "\uff11\uff18", "9" * 13, "1800000000.0"]
)
def test_an_auth_date_that_is_no_number_is_refused(auth_date: str) -> None:
    """`auth_date` must be plain digits."""
    with pytest.raises(InitDataInvalid):
        check(signed(auth_date=auth_date, user='{"id":1}'))


def test_a_missing_auth_date_is_refused() -> None:
    """Without `auth_date` the data would never age."""
    with pytest.raises(InitDataInvalid):
        check(signed(user='{"id":1}'))


@pytest.mark.parametrize("name", ["user", "hash", "auth_date"])
def test_a_pair_named_twice_is_refused(name: str) -> None:
    """Two readers could each believe another one of the two."""
    text = sign_init_data(TOKEN, USER, NOW)
    value = next(part for part in text.split("&") if part.startswith(f"{name}="))
    with pytest.raises(InitDataInvalid, match="twice"):
        check(f"{text}&{value}")


def test_another_bots_data_is_refused() -> None:
    """The key is this bot's token."""
    with pytest.raises(InitDataInvalid):
        check(sign_init_data("999:other", USER, NOW))


def test_an_ed25519_signature_is_no_hash() -> None:
    """The third-party form, whoever's key signed it, does not pass for the HMAC form."""
    pairs = {"auth_date": str(NOW), "user": '{"id":1}'}
    message = "123456:WebAppData\n" + "\n".join(f"{k}={pairs[k]}" for k in sorted(pairs))
    signature = Ed25519PrivateKey.generate().sign(message.encode())
    text = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    with pytest.raises(InitDataInvalid):
        check(encoded({**pairs, "signature": text}))
    with pytest.raises(InitDataInvalid):
        check(encoded({**pairs, "hash": text}))


@pytest.mark.parametrize("given", ["", "0", "ü" * 64, "ZZ" * 32, "0" * 63, "0" * 65, "\uff10" * 64])
def test_a_hash_of_another_form_is_refused(given: str) -> None:
    """Short, long and non-ASCII hashes are refused, not compared."""
    with pytest.raises(InitDataInvalid):
        check(encoded({"auth_date": str(NOW), "user": '{"id":1}', "hash": given}))


def test_a_missing_hash_is_refused() -> None:
    """Unsigned is refused."""
    with pytest.raises(InitDataInvalid):
        check(encoded({"auth_date": str(NOW), "user": '{"id":1}'}))


@pytest.mark.parametrize(
    "value",
    ["%00", "%0a", "%0d", "%7f", "%", "%4", "%zz", "%ff", "ü"],
)
def test_characters_that_confuse_are_refused(value: str) -> None:
    """Control characters, broken escapes, what is no UTF-8 and raw non-ASCII are refused."""
    with pytest.raises(InitDataInvalid):
        check(sign_init_data(TOKEN, USER, NOW) + f"&start_param={value}")


def test_borders_between_pairs_cannot_be_moved() -> None:
    """One value that spells two pairs has their check string, and is refused all the same."""
    pairs = {"auth_date": str(NOW), "user": '{"id":1}'}
    text = encoded({"auth_date": f"{NOW}\nuser={pairs['user']}", "hash": sign(pairs)})
    with pytest.raises(InitDataInvalid):
        check(text)


def test_double_encoding_is_refused() -> None:
    """Decoded once and no more: twice encoded is not what was signed."""
    pairs = {"auth_date": str(NOW), "user": '{"id":1}'}
    text = f"auth_date={NOW}&user={quote(quote(pairs['user']))}&hash={sign(pairs)}"
    with pytest.raises(InitDataInvalid):
        check(text)


def test_a_plus_is_a_blank() -> None:
    """As in every URL-encoded form; a real plus comes as %2B."""
    pairs = {"auth_date": str(NOW), "user": '{"id":1,"first_name":"A B"}'}
    text = f"auth_date={NOW}&user=%7B%22id%22:1,%22first_name%22:%22A+B%22%7D&hash={sign(pairs)}"
    assert check(text).user.first_name == "A B"


@pytest.mark.parametrize(
    "user",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"id":0}',
        '{"id":-1}',
        '{"id":"1"}',
        '{"id":1.5}',
        '{"id":true}',
        '{"id":9007199254740993}',
        '{"id":1,"is_bot":true}',
        '{"id":1,"first_name":7}',
    ],
)
def test_a_user_that_cannot_be_is_refused(user: str) -> None:
    """The user is an object with a whole, positive id, and no bot."""
    with pytest.raises(InitDataInvalid):
        check(signed(auth_date=str(NOW), user=user))


def test_too_much_is_refused_unread() -> None:
    """Length and number of pairs are bounded."""
    with pytest.raises(InitDataInvalid, match="long"):
        check("a" * 9000)
    with pytest.raises(InitDataInvalid, match="long"):
        check("&".join(f"a{i}=1" for i in range(100)))


def test_a_refusal_does_not_repeat_the_data() -> None:
    """What was sent may be somebody's session."""
    text = sign_init_data("999:other", {"id": 77, "first_name": "Secret"}, NOW)
    with pytest.raises(InitDataInvalid) as refusal:
        check(text)
    assert "Secret" not in str(refusal.value)
