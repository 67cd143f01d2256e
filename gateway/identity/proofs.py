"""Proofs of identity as clients send them, and whom each leads to."""

from __future__ import annotations

import time
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.identity.init_data import TELEGRAM_KEYS, InitData, check_init_data
from gateway.identity.login_widget import FIELD_CHARS_MAX, check_login_widget
from gateway.identity.oidc import OidcAnswer, OpenIdConnect
from gateway.identity.outside import INVITATION, TELEGRAM, Means, Outside, invitation, shown
from gateway.identity.pairs import CHARS_MAX, PAIRS_MAX
from gateway.web.errors import Problem, field_problem
from runtime.errors import SettingsError
from runtime.settings import Settings

OTHER_BOTS_MAX: Final = 10
WIDGET_OFF: Final = "The Telegram Login Widget does not sign in here. Open the app in Telegram."

WidgetField = (
    Annotated[str, Meta(max_length=FIELD_CHARS_MAX)] | Annotated[int, Meta(ge=0, lt=2**53)]
)


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who somebody is, proved in one of three ways."""

    init_data: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=CHARS_MAX,
                description="In a MiniApp: `Telegram.WebApp.initData`, as it is.",
            ),
        ]
        | UnsetType
    ) = UNSET
    login_widget: (
        Annotated[
            dict[Annotated[str, Meta(min_length=1, max_length=64)], WidgetField],
            Meta(
                min_length=1,
                max_length=PAIRS_MAX,
                description=(
                    "In a browser: what the Telegram Login Widget hands to its callback, as it is."
                ),
            ),
        ]
        | UnsetType
    ) = UNSET
    oidc: OidcAnswer | UnsetType = UNSET


class Proofs:
    """Checks proofs.

    Args:
        settings: bot token, means, ages.
        oidc: speaks with the issuer of OpenID Connect.

    Raises:
        SettingsError: the bot token is missing, or a bot id is none.
    """

    def __init__(self, settings: Settings, oidc: OpenIdConnect) -> None:
        if not settings.telegram_bot_token:
            raise SettingsError("TELEGRAM_BOT_TOKEN is not set.")
        self._bot_token = settings.telegram_bot_token
        self._public_key = TELEGRAM_KEYS[settings.telegram_environment]
        self._other_bots = _bot_ids(settings.telegram_other_bots)
        self._settings = settings
        self._oidc = oidc

    async def check(self, proof: Proof) -> Outside:
        """Whom a proof leads to.

        Raises:
            Problem: it is none, or several.
            PixelpopError: it cannot be used, or cannot be checked now.
        """
        given = [name for name in proof.__struct_fields__ if getattr(proof, name) is not UNSET]
        ways = [name for name in given if name in {"init_data", "login_widget", "oidc"}]
        if len(ways) != 1:
            raise field_problem("", "must hold one of init_data, login_widget and oidc")
        if proof.init_data is not UNSET:
            return self.init_data(proof.init_data)
        if proof.login_widget is not UNSET:
            if not self._settings.login_widget:
                raise Problem("login-widget-off", WIDGET_OFF)
            return self._of_telegram(
                check_login_widget(
                    proof.login_widget,
                    bot_token=self._bot_token,
                    now_seconds=time.time(),
                    max_age_seconds=self._settings.init_data_max_age_seconds,
                    skew_seconds=self._settings.init_data_skew_seconds,
                ),
                "login_widget",
            )
        assert proof.oidc is not UNSET
        return await self._oidc.finish(proof.oidc)

    def init_data(self, text: str) -> Outside:
        """Whom init data leads to.

        Raises:
            InitDataInvalid, InitDataExpired: nobody.
        """
        return self._of_telegram(
            check_init_data(
                text,
                bot_token=self._bot_token,
                now_seconds=time.time(),
                max_age_seconds=self._settings.init_data_max_age_seconds,
                skew_seconds=self._settings.init_data_skew_seconds,
                means=self._settings.init_data_check,
                public_key=self._public_key,
                other_bots=self._other_bots,
            ),
            "init_data",
        )

    def _of_telegram(self, checked: InitData, means: Means) -> Outside:
        user = checked.user
        return Outside(
            provider=TELEGRAM,
            means=means,
            subject_id=str(user.id),
            digest=checked.digest,
            proved_at=checked.auth_date,
            good_until=checked.auth_date + self._settings.init_data_max_age_seconds,
            first_name=shown(user.first_name),
            last_name=shown(user.last_name),
            username=shown(user.username),
            language=shown(user.language_code),
            invited_by=_invited_by(checked.start_param),
        )


def _invited_by(start_param: str) -> str:
    if not start_param.startswith(INVITATION):
        return ""
    return invitation(start_param.removeprefix(INVITATION))


def _bot_ids(text: str) -> tuple[int, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(names) > OTHER_BOTS_MAX or not all(name.isascii() and name.isdigit() for name in names):
        raise SettingsError(
            f"TELEGRAM_OTHER_BOTS must be at most {OTHER_BOTS_MAX} ids of bots, parted by commas."
        )
    return tuple(int(name) for name in names)
