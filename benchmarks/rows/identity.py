"""Checks of Telegram init data per second, beside the cryptography that no check can do without.

Ours: `check_init_data` as a sign-in calls it: decoded, sorted, compared, its age and its user read.
Bare, for the hash: one HMAC-SHA256 of the same check string, with the secret already derived from
the bot's token, and nothing else. Bare, for the signature: one Ed25519 verification of the same
message by libsodium. The peer, for the hash: aiogram's check, which reads, derives and compares,
and looks at no age. All in this process, in one thread, on several texts in turn.
"""

from __future__ import annotations

import hmac
import itertools
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from aiogram.utils.web_app import check_webapp_signature
from nacl.signing import SigningKey

from benchmarks import table
from benchmarks.measuring import Figures, Subject, interleave
from benchmarks.table import Row
from gateway.identity.init_data import check_init_data, sign_init_data
from gateway.identity.pairs import check_string, parse

BOT: Final = "123456789:AAF-measured-bot-token-of-35-chars"
NOW: Final = 1_800_000_000
TEXTS: Final = 16
"""Different ones, so that nothing is measured that was only remembered."""
ROUNDS: Final = 7
"""Measurements in one repeat, of which the fastest counts: the rest is what else happens here."""


def make_rows() -> list[Row]:
    """The empty rows."""
    by_hash = Row(
        "init_data_hmac",
        "init data checks, HMAC",
        "per second",
        raw_is="one HMAC-SHA256 of the same check string, the secret derived before",
        target="≥ 0.6 of a bare check",
    )
    by_signature = Row(
        "init_data_ed25519",
        "init data checks, Ed25519",
        "per second",
        raw_is="one Ed25519 verification of the same message, by libsodium",
        target="≥ 0.6 of raw",
    )
    return [by_hash, by_signature]


async def measure(repeats: int, seconds: float) -> list[Row]:
    """Both rows: `repeats` times ours and bare in turn, each for about `seconds`."""
    by_hash, by_signature = make_rows()
    ours, raw, peer = _hmac(seconds)
    await interleave(
        [by_hash],
        repeats,
        ours=_told(by_hash, ours),
        raw=_told(by_hash, raw),
        peer=_told(by_hash, peer),
    )
    ours, raw = _ed25519(seconds)
    await interleave(
        [by_signature], repeats, ours=_told(by_signature, ours), raw=_told(by_signature, raw)
    )
    twice = _rate(_derived_anew, _checked_by_hash()[1], seconds)
    by_hash.note(
        f"with the secret derived anew for each, as Telegram's description has it, bare does "
        f"{table.number(twice)} per second"
    )
    by_hash.note("the peer: aiogram's check of the hash alone: no age, no duplicates, no user read")
    by_hash.note(
        "an HMAC in C takes a microsecond or two; what ours adds is reading: escapes, borders, "
        "duplicates, order, age and user, in Python"
    )
    return [by_hash, by_signature]


def _told(row: Row, rate: Callable[[], float]) -> Subject:
    async def subject() -> Figures:
        return {row.key: rate()}

    return subject


def _rate(call: Callable[[Any], object], given: Sequence[Any], seconds: float) -> float:
    """Calls per second: the best of some rounds."""
    count = TEXTS
    while _seconds(call, given, count) < seconds / ROUNDS / 2:
        count *= 2
    return max(count / _seconds(call, given, count) for _ in range(ROUNDS))


def _seconds(call: Callable[[Any], object], given: Sequence[Any], count: int) -> float:
    turns = list(itertools.islice(itertools.cycle(given), count))
    began = time.perf_counter()
    for one in turns:
        call(one)
    return time.perf_counter() - began


def _users() -> list[dict[str, object]]:
    """As Telegram describes people."""
    return [
        {
            "id": 279_058_397 + number,
            "first_name": "Grace",
            "last_name": "Höpper",
            "username": f"grace_{number}",
            "language_code": "en",
            "is_premium": True,
            "allows_write_to_pm": True,
            "photo_url": "https://t.me/i/userpic/320/4FPEE4tmP3ATHa57u6MqTDih13LTOiMoKoLDRG4PnSA.svg",
        }
        for number in range(TEXTS)
    ]


def _checked_by_hash() -> tuple[list[str], list[bytes]]:
    """Init data, and the check string of each."""
    extra = {"chat_instance": "-3788475317572404878", "chat_type": "sender", "signature": "A" * 86}
    texts = [sign_init_data(BOT, user, NOW, extra) for user in _users()]
    messages = []
    for text in texts:
        pairs = parse(text)
        del pairs["hash"]
        messages.append(check_string(pairs).encode())
    return texts, messages


def _derived_anew(message: bytes) -> bytes:
    return hmac.digest(hmac.digest(b"WebAppData", BOT.encode(), sha256), message, sha256)


def _hmac(
    seconds: float,
) -> tuple[Callable[[], float], Callable[[], float], Callable[[], float]]:
    texts, messages = _checked_by_hash()
    secret = hmac.digest(b"WebAppData", BOT.encode(), sha256)

    def ours(text: str) -> object:
        return check_init_data(text, bot_token=BOT, now_seconds=NOW, max_age_seconds=60)

    def bare(message: bytes) -> object:
        return hmac.digest(secret, message, sha256)

    def peer(text: str) -> object:
        return check_webapp_signature(BOT, text)

    assert all(map(peer, texts))
    return (
        lambda: _rate(ours, texts, seconds),
        lambda: _rate(bare, messages, seconds),
        lambda: _rate(peer, texts, seconds),
    )


def _ed25519(seconds: float) -> tuple[Callable[[], float], Callable[[], float]]:
    key = SigningKey.generate()
    public = bytes(key.verify_key)
    texts, signed = [], []
    for text in _hmac_free(_users()):
        pairs = parse(text)
        message = f"{BOT.partition(':')[0]}:WebAppData\n{check_string(pairs)}".encode()
        signature = key.sign(message).signature
        signed.append((message, signature))
        shown = urlsafe_b64encode(signature).rstrip(b"=").decode()
        texts.append(f"{text}&signature={shown}&hash={'0' * 64}")
    verify = key.verify_key.verify

    def ours(text: str) -> object:
        return check_init_data(
            text,
            bot_token=BOT,
            now_seconds=NOW,
            max_age_seconds=60,
            means="ed25519",
            public_key=public,
        )

    def bare(one: tuple[bytes, bytes]) -> object:
        return verify(*one)

    return lambda: _rate(ours, texts, seconds), lambda: _rate(bare, signed, seconds)


def _hmac_free(users: Sequence[dict[str, object]]) -> list[str]:
    """Init data without hash and signature."""
    texts = []
    for user in users:
        pairs = parse(sign_init_data(BOT, user, NOW, {"chat_type": "sender"}))
        del pairs["hash"]
        texts.append("&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items()))
    return texts
