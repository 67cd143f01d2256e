"""What is fuzzed: kinds of credentials, genuine ones, and the check that production uses."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from events.ids import AccountId
from gateway.access.api_keys_text import hash_of, make_key
from gateway.identity.init_data import check_init_data, sign_init_data
from gateway.identity.login_widget import check_login_widget, sign_login_widget
from gateway.identity.pairs import parse
from gateway.identity.proofs import Proof
from gateway.identity.tokens import STREAM, Tokens
from gateway.web.http import decode_json
from runtime.errors import PixelpopError

NOW = 1_800_000_000
BOT = "123456789:AAF-fuzzed-bot-token-of-35-characters"
JWT_SECRETS = ("a secret that nobody knows, number 1", "a secret that nobody knows, number 2")


class Target(NamedTuple):
    """One kind of credential."""

    name: str
    genuine: tuple[str, ...]
    passes: Callable[[str], bool]
    """Production's check: whether a text is taken for somebody. Anything but a refusal by one of
    our own errors escapes: a crash is a find too."""
    is_known: Callable[[str], bool]
    """Whether a text says what a genuine one says, if written otherwise."""
    others: tuple[str, ...] = ()
    """Genuine texts of another kind: mutated too, and never taken for somebody."""

    @property
    def material(self) -> tuple[str, ...]:
        """What mutations are made of."""
        return (*self.genuine, *self.others)

    def accepts(self, text: str) -> bool:
        """Whether a text that nobody made is taken for somebody."""
        return self.passes(text) and not self.is_known(text)


def targets() -> dict[str, Target]:
    """All of them, with new secrets and the same genuine texts' shapes in every run."""
    found = (_init_data(), _signed_init_data(), _login_widget(), _tokens(), _api_keys())
    return {target.name: target for target in found}


def _users() -> list[dict[str, object]]:
    return [
        {"id": 7, "first_name": "Ada"},
        {"id": 2**52 - 1, "first_name": "Grace + Co", "last_name": "\u00d6%&=", "username": "g"},
        {"id": 99, "first_name": '"}{', "language_code": "en", "is_premium": True},
    ]


def _pairs_or_none(text: str) -> dict[str, str] | None:
    try:
        return parse(text)
    except PixelpopError:
        return None


def _init_data() -> Target:
    extras = ({}, {"start_param": "a b+c"}, {"signature": "x" * 86, "chat_instance": "-1"})
    genuine = tuple(
        sign_init_data(BOT, user, NOW - age, extra)
        for user, age, extra in zip(_users(), (0, 60, 3000), extras, strict=True)
    )
    known = [parse(text) for text in genuine]

    def passes(text: str) -> bool:
        try:
            check_init_data(text, bot_token=BOT, now_seconds=NOW, max_age_seconds=3600)
        except PixelpopError:
            return False
        return True

    # Written otherwise (`%7b`, `+`, another order) it is still what Telegram signed.
    return Target("init-data", genuine, passes, lambda text: _pairs_or_none(text) in known)


def _signed_init_data() -> Target:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    genuine = []
    for user in _users():
        pairs = {"auth_date": str(NOW), "query_id": "AAE", "user": json.dumps(user)}
        message = "\n".join(f"{name}={pairs[name]}" for name in sorted(pairs))
        signature = key.sign(f"{BOT.partition(':')[0]}:WebAppData\n{message}".encode())
        pairs["signature"] = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
        pairs["hash"] = "0" * 64
        genuine.append("&".join(f"{n}={_quoted(value)}" for n, value in pairs.items()))
    known = [_but_hash(parse(text)) for text in genuine]

    def passes(text: str) -> bool:
        try:
            check_init_data(
                text, bot_token=BOT, now_seconds=NOW, max_age_seconds=3600, means="ed25519",
                public_key=public,
            )  # fmt: skip
        except PixelpopError:
            return False
        return True

    def is_known(text: str) -> bool:
        # The hash is no part of what Telegram signed for third parties.
        pairs = _pairs_or_none(text)
        return pairs is not None and _but_hash(pairs) in known

    return Target("init-data-ed25519", tuple(genuine), passes, is_known)


def _login_widget() -> Target:
    users = [user for user in _users() if "is_premium" not in user]
    users.append({"id": 99, "first_name": '"}{', "photo_url": "https://t.me/i/userpic/320/x.jpg"})
    signed = [
        sign_login_widget(BOT, user, NOW - age)
        for user, age in zip(users, (0, 60, 3000), strict=True)
    ]
    known = [_as_texts(fields) for fields in signed]
    decoder = msgspec.json.Decoder(Proof)

    def passes(text: str) -> bool:
        body = text.encode("utf-8", "surrogatepass")
        try:
            fields = decode_json([(b"content-type", b"application/json")], body, decoder)
            if fields.login_widget is msgspec.UNSET:
                return False
            check_login_widget(
                fields.login_widget, bot_token=BOT, now_seconds=NOW, max_age_seconds=3600
            )
        except PixelpopError:
            return False
        return True

    def is_known(text: str) -> bool:
        # In another order, or with other escapes, it is still what Telegram signed.
        try:
            return _as_texts(json.loads(text)["login_widget"]) in known
        except ValueError:
            return False

    # What a MiniApp gets, handed over as if the widget had given it.
    pairs: dict[str, object] = {**parse(sign_init_data(BOT, users[0], NOW)), "id": 7}
    others = (json.dumps({"login_widget": pairs | {"auth_date": NOW}}),)
    genuine = tuple(json.dumps({"login_widget": fields}) for fields in signed)
    return Target("login-widget", genuine, passes, is_known, others)


def _as_texts(fields: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items()}


def _but_hash(pairs: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in pairs.items() if name != "hash"}


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _tokens() -> Target:
    tokens = Tokens(JWT_SECRETS[0], JWT_SECRETS[1:], clock=lambda: NOW)
    before = Tokens(JWT_SECRETS[1], clock=lambda: NOW)
    accounts = [AccountId(f"00000000-0000-4000-8000-{number:012d}") for number in range(4)]
    genuine = (
        *(tokens.issue(account, 600) for account in accounts[:2]),
        before.issue(accounts[2], 600),
    )
    ticket = tokens.issue(accounts[3], 600, STREAM)

    def passes(text: str) -> bool:
        try:
            tokens.verify(text)
        except PixelpopError:
            return False
        return True

    # A ticket opens streams only: another kind of token, and never taken for a session.
    assert not passes(ticket)
    return Target("tokens", genuine, passes, genuine.__contains__, (ticket,))


def _api_keys() -> Target:
    genuine = tuple(make_key() for _ in range(3))
    stored = {hash_of(text) for text in genuine}
    assert None not in stored

    def passes(text: str) -> bool:
        hashed = hash_of(text)
        return hashed is not None and hashed in stored

    return Target("api-keys", genuine, passes, genuine.__contains__)
