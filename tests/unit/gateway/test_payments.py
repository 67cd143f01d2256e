"""Which ways to pay an account is offered."""

from __future__ import annotations

from typing import Any

import pytest

from commands.requests import InvalidRequest
from events.ids import AccountId
from gateway.identity.signed_in import Account
from gateway.identity.tokens import Tokens
from gateway.money.payments import Payments
from gateway.web.errors import Problem
from runtime.settings import Settings

ACCOUNT = AccountId("5f0c1a52-7c64-4b0e-9d2f-3b1f0a9f6d11")


class Way:
    """A way to pay, as far as offering goes."""

    def __init__(self, name: str, *, in_telegram: bool) -> None:
        self.name = name
        self.in_telegram = in_telegram


WAYS: Any = (Way("stars", in_telegram=True), Way("stripe", in_telegram=False))


def account(**rest: Any) -> Account:
    return Account(ACCOUNT, b"k" * 32, 0.0, **rest)


@pytest.mark.parametrize(
    ("who", "names"),
    [
        (account(via="tma", means="init_data"), ("stars",)),
        (account(via="session", means="init_data"), ("stars",)),
        (account(via="session", means=""), ("stars",)),
        (account(via="session", means="something new"), ("stars",)),
        (account(via="session", means="login_widget"), ("stars", "stripe")),
        (account(via="session", means="oidc"), ("stars", "stripe")),
        (account(via="api_key"), ("stars", "stripe")),
    ],
)
def test_telegram_sees_stars_only(who: Account, names: tuple[str, ...]) -> None:
    """Who came by one of Telegram's apps, or nobody knows how, is offered Stars and no more."""
    assert Payments(Settings(), WAYS).offered_to(who) == names


def test_what_is_not_offered_is_refused() -> None:
    """A way that is not offered cannot be asked for either."""
    payments = Payments(Settings(), WAYS)
    assert payments.choose(account(means="oidc"), "stripe") == "stripe"
    for name in ("stripe", "local", "cash"):
        with pytest.raises(InvalidRequest):
            payments.choose(account(means="init_data"), name)


def test_embedded() -> None:
    """What is embedded has `local`, and prefers it; without any way nothing can be bought."""
    assert Payments(Settings(embedded=True), WAYS).choose(account(), None) == "local"
    assert Payments(Settings(), WAYS).choose(account(), None) == "stars"
    with pytest.raises(Problem, match="cannot take payments"):
        Payments(Settings()).choose(account(), None)


def test_a_session_knows_how_it_was_proved() -> None:
    """An access token says by which proof it was got; one that does not is taken for Telegram's."""
    tokens = Tokens("s" * 40)
    made = tokens.issue(ACCOUNT, 60, means="oidc")
    assert tokens.verify(made).means == "oidc"
    assert tokens.verify(tokens.issue(ACCOUNT, 60)).means == ""
