"""OpenID Connect: signing in with any issuer that is set, for a browser outside Telegram.

The authorization code flow with PKCE, state and nonce (OpenID Connect Core 1.0, RFC 7636, RFC 9207,
RFC 9700); Authlib speaks it. What the flow has to remember between its two calls is handed to the
browser that began it as a token of ours, so any gateway can finish it and none keeps anything. Only
asymmetric algorithms count, so a public key can never pass for a shared secret.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Annotated, Any, Final, NoReturn

import structlog
from authlib.integrations.base_client import OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.identity.oidc_issuer import NETWORK_ERRORS, Issuer, unavailable
from gateway.identity.outside import TELEGRAM, Outside, is_fit, shown
from gateway.identity.tokens import TokenInvalid, Tokens
from runtime.errors import PixelpopError
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

REFUSALS: Final = (
    *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"),
    *("unsupported_grant_type", "invalid_scope"),
)
"""How an issuer may refuse a code (RFC 6749, 5.2)."""
FLOW: Final = "pixelpop/oidc"
"""The audience of the token that a flow is remembered in."""
FLOW_SECONDS: Final = 600
SKEW_SECONDS: Final = 60
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
LANGUAGE_CHARS_MAX: Final = 35
SUBJECT_CHARS_MAX: Final = 255
"""As the specification bounds it."""
TELEGRAM_ISSUER: Final = "https://oauth.telegram.org"
"""Telegram as an issuer names its users in the claim `id` as everywhere else, so who comes from
there is who comes from the MiniApp."""


class OidcAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came back from the issuer."""

    flow: Annotated[str, Meta(min_length=1, max_length=2048, description="Of POST /auth/oidc.")]
    code: Annotated[
        str, Meta(min_length=1, max_length=2048, description="The parameter `code`, as it came.")
    ]
    state: Annotated[
        str, Meta(min_length=1, max_length=255, description="The parameter `state`, as it came.")
    ]
    iss: (
        Annotated[str, Meta(max_length=2048, description="The parameter `iss`, if it came.")]
        | UnsetType
    ) = UNSET


class OidcInvalid(PixelpopError):
    """The issuer, or what was said to come from it, does not vouch for anybody."""

    code = "oidc-invalid"


class Flow(Struct, frozen=True):
    """The begin of a sign-in."""

    authorization_url: str
    flow: str


class OpenIdConnect:
    """Speaks with the one issuer that is set, if one is.

    Args:
        settings: issuer, client and redirect address.
        tokens: seal what a flow has to remember.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = Issuer(settings, clock)
        self._tokens = tokens
        self.provider = provider_of(self._issuer.name)

    async def start(self) -> Flow:
        """Begin a sign-in: where to send the browser, and what it keeps until it is back.

        Raises:
            Problem: no issuer is set.
            OidcUnavailable: it does not answer.
        """
        metadata = await self._issuer.describe()
        remembered = {
            "state": secrets.token_urlsafe(24),
            "nonce": secrets.token_urlsafe(24),
            "verifier": secrets.token_urlsafe(48),
        }
        url, _ = self._issuer.client.create_authorization_url(
            metadata["authorization_endpoint"],
            state=remembered["state"],
            nonce=remembered["nonce"],
            code_verifier=remembered["verifier"],
        )
        return Flow(url, self._tokens.seal(remembered, FLOW_SECONDS, FLOW))

    async def finish(self, answer: OidcAnswer) -> Outside:
        """Whom the issuer vouches for.

        Raises:
            Problem: no issuer is set.
            OidcInvalid: for nobody; the message does not repeat what was sent.
            OidcUnavailable: it does not answer.
        """
        metadata = await self._issuer.describe()
        try:
            flow = self._tokens.open(answer.flow, FLOW)
        except TokenInvalid:
            _refuse("it was begun too long ago, or not here; begin again")
        if not hmac.compare_digest(answer.state.encode(), flow["state"].encode()):
            _refuse("its state belongs to another sign-in")
        if answer.iss is not UNSET and answer.iss != self._issuer.name:
            _refuse("it comes from another issuer")
        if answer.iss is UNSET and metadata.get("authorization_response_iss_parameter_supported"):
            _refuse("it does not say which issuer it comes from")
        found = await self._redeem(metadata, answer.code, flow["verifier"])
        claims = await self._read(found, flow["nonce"])
        return self._outside(claims, flow)

    async def close(self) -> None:
        """Close connections to the issuer."""
        await self._issuer.close()

    # The protocol's steps ----------------------------------------------------------------------

    async def _redeem(self, metadata: dict[str, Any], code: str, verifier: str) -> dict[str, Any]:
        """The tokens that the code is good for, once."""
        try:
            found = await self._issuer.client.fetch_token(
                metadata["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                redirect_uri=self._issuer.redirect_uri,
            )
        except OAuthError as error:
            # What an issuer says may repeat what it was sent; only words of the protocol are kept.
            # It may be any JSON: a tuple compares it, a set would have to hash it.
            known = error.error if error.error in REFUSALS else "not a word of the protocol"
            _log.info("the issuer refused a code", error=known)
            _refuse("the issuer does not take its code")
        except NETWORK_ERRORS as error:
            raise unavailable(error) from error
        if not isinstance(found.get("id_token"), str):
            _refuse("the issuer sent no id token")
        return dict(found)

    async def _read(self, tokens: dict[str, Any], nonce: str) -> CodeIDToken:
        """The claims of an id token that is the issuer's, for us, of this sign-in."""
        try:
            try:
                found = jwt.decode(tokens["id_token"], await self._issuer.keys(), list(ALGORITHMS))
            except (JoseError, ValueError):
                keys = await self._issuer.keys(anew=True)  # they may have been rotated
                found = jwt.decode(tokens["id_token"], keys, list(ALGORITHMS))
            claims = CodeIDToken(
                found.claims,
                found.header,
                {
                    "iss": {"essential": True, "value": self._issuer.name},
                    "aud": {"essential": True, "value": self._issuer.client_id},
                    "sub": {"essential": True},
                    "exp": {"essential": True},
                    "iat": {"essential": True},
                    "nonce": {"essential": True, "value": nonce},
                },
                {
                    "nonce": nonce,
                    "client_id": self._issuer.client_id,
                    "access_token": tokens.get("access_token"),  # what `at_hash` is about
                },
            )
            claims.validate(leeway=SKEW_SECONDS)
        except (JoseError, OAuthError, ValueError, TypeError, KeyError) as error:
            _log.info("an id token was refused", error=type(error).__name__)
            _refuse("its id token is not the issuer's for this sign-in")
        return claims

    def _outside(self, claims: CodeIDToken, flow: dict[str, Any]) -> Outside:
        subject, provider = claims["sub"], self.provider
        if self._issuer.name == TELEGRAM_ISSUER:
            subject, provider = claims.get("id"), TELEGRAM
            subject = str(subject) if type(subject) is int and 0 < subject < 2**53 else ""
        if (
            not isinstance(subject, str)
            or not 0 < len(subject) <= SUBJECT_CHARS_MAX
            or not is_fit(subject)
        ):
            _refuse("its id token names nobody")
        return Outside(
            provider=provider,
            means="oidc",
            subject_id=subject,
            digest=hashlib.sha256(b"oidc." + flow["state"].encode()).digest(),
            proved_at=float(flow["iat"]),
            good_until=float(flow["exp"]),
            first_name=shown(claims.get("given_name")) or shown(claims.get("name")),
            last_name=shown(claims.get("family_name")) if claims.get("given_name") else "",
            username=shown(claims.get("preferred_username")),
            language=shown(claims.get("locale"), LANGUAGE_CHARS_MAX),
        )


def provider_of(issuer: str) -> str:
    """What `identity_links` calls an issuer."""
    return f"oidc_{hashlib.sha256(issuer.encode()).hexdigest()[:16]}"


def _refuse(reason: str) -> NoReturn:
    raise OidcInvalid(f"This sign-in cannot be used: {reason}.")
