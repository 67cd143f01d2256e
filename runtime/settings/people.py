"""How people sign in, and who may do more than others."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from runtime.settings.about import about
from runtime.settings.servers import Servers


class People(Servers, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people sign in, and who may do more than others."""

    # Sign-in.
    init_data_max_age_seconds: Annotated[
        int, about("How old Telegram init data may be.", unit="s", ge=30, le=86_400)
    ] = 3600
    init_data_check: Annotated[
        Literal["hmac", "ed25519", "both"],
        about(
            "What must be right: the hash, made with the bot's token; Telegram's own signature, "
            "which a stolen token cannot make but old Telegram apps do not send; or both."
        ),
    ] = "hmac"
    login_widget: Annotated[
        bool,
        about(
            "Whether the Telegram Login Widget signs in; what it says is signed by the bot's token "
            "alone."
        ),
    ] = True
    telegram_environment: Annotated[
        Literal["production", "test"],
        about(
            "Where the bot lives; `test` accepts the signatures of Telegram's test servers, where "
            "anybody can make any user.",
            env="TELEGRAM_ENVIRONMENT",
        ),
    ] = "production"
    telegram_other_bots: Annotated[
        str,
        about(
            "Ids of other bots, with commas, whose MiniApps' users may come in, by signature.",
            env="TELEGRAM_OTHER_BOTS",
        ),
    ] = ""
    telegram_webhook_secret: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,256}(,[A-Za-z0-9_-]{1,256}){0,3}\Z")] | None,
        about(
            "What Telegram shows with every update: 1 to 256 of A-Z, a-z, 0-9, _ and -; several, "
            "with commas, while one replaces another. Unset: no updates are taken.",
            env="TELEGRAM_WEBHOOK_SECRET",
            secret=True,
        ),
    ] = None
    telegram_update_max_bytes: Annotated[
        int, about("The largest update of Telegram's.", unit="B", ge=65_536, le=16_777_216)
    ] = 1_048_576
    access_token_ttl_seconds: Annotated[
        int, about("How long an access token is good for.", unit="s", ge=60, le=604_800)
    ] = 3600
    welcome_credits: Annotated[
        int, about("Granted once per Telegram user for ever.", unit="credits", ge=0, le=1000)
    ] = 5

    refund_days: Annotated[
        int,
        about(
            "For how long people may give an unused purchase back by themselves.",
            unit="days",
            ge=0,
            le=180,
        ),
    ] = 14
    init_data_skew_seconds: Annotated[
        int,
        about("How far Telegram's clock may be ahead of this one.", unit="s", ge=0, le=300),
    ] = 30
    oidc_issuer: Annotated[
        Annotated[str, Meta(pattern=r"^(https://|http://(localhost|127\.0\.0\.1)(:|/|$))")] | None,
        about(
            "An issuer of OpenID Connect whose users may sign in, exactly as it names itself.",
            env="OIDC_ISSUER",
        ),
    ] = None
    oidc_client_id: Annotated[
        str | None, about("What the issuer knows this service by.", env="OIDC_CLIENT_ID")
    ] = None
    oidc_client_secret: Annotated[
        str | None,
        about(
            "Proves that to the issuer; unset: a public client, by PKCE alone.",
            env="OIDC_CLIENT_SECRET",
            secret=True,
        ),
    ] = None
    oidc_redirect_uri: Annotated[
        str | None,
        about("The page that the issuer sends people back to.", env="OIDC_REDIRECT_URI"),
    ] = None
    oidc_scope: Annotated[
        str, about("What the issuer is asked for; `openid` among it.", env="OIDC_SCOPE")
    ] = "openid profile"
    recent_sign_in_seconds: Annotated[
        int,
        about(
            "How long ago a sign-in may be for what could take an account over.",
            unit="s",
            ge=30,
            le=86_400,
        ),
    ] = 600
    identities_per_account_max: Annotated[
        int, about("Outside identities of one account.", ge=1, le=100)
    ] = 10

    # Who may do more than others: people as `telegram:<id>`, or accounts by their id.
    admins: Annotated[
        str, about("Admins, `telegram:<id>` or an account's id, with commas; none by default.")
    ] = ""
    auditors: Annotated[str, about("Auditors, named as the admins are.")] = ""
    analysts: Annotated[str, about("Analysts, named as the admins are.")] = ""
    api_keys_per_account_max: Annotated[
        int, about("API keys of one account that are good at once.", ge=1, le=1000)
    ] = 25
    untold_acts_seconds: Annotated[
        float,
        about(
            "After how long an act of an admin that the log was not told of is told again.",
            unit="s",
            ge=1,
            le=3600,
        ),
    ] = 15.0
