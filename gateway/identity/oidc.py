"""OpenID Connect: signing in with any issuer that is set, for a browser outside Telegram.

The authorization code flow with PKCE, state and nonce (OpenID Connect Core 1.0, RFC 7636, RFC 9207,
RFC 9700); Authlib speaks it. What the flow has to remember between its two calls is handed to the
browser that began it as a token of ours, so any gateway can finish it and none keeps anything. Only
asymmetric algorithms count, so a public key can never pass for a shared secret.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Annotated, Any, Final, NoReturn

import httpx
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.identity.outside import NAME_CHARS_MAX, TELEGRAM, Outside
from gateway.identity.tokens import TokenInvalid, Tokens
from gateway.web.errors import Problem
from runtime.errors import PixelpopError
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

FLOW: Final = "pixelpop/oidc"
"""The audience of the token that a flow is remembered in."""
FLOW_SECONDS: Final = 600
METADATA_SECONDS: Final = 3600.0
"""How long the issuer's description and keys are used before they are asked for again."""
KEYS_SECONDS_MIN: Final = 30.0
"""How often the keys are asked for at most when a token names one that is not known."""
TIMEOUT_SECONDS: Final = 10.0
SKEW_SECONDS: Final = 60
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
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


class OidcUnavailable(PixelpopError):
    """The issuer does not answer, or not as an issuer does."""

    code = "oidc-unavailable"
    retryable = True


class Flow(Struct, frozen=True):
    """The begin of a sign-in."""

    authorization_url: str
    flow: str


class OpenIdConnect:
    """Speaks with the one issuer that is set, if one is.

    Args:
        settings: issuer, client and redirect address.
        tokens: seal what a flow has to remember.
        transport: for tests: another way to the issuer.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = settings.oidc_issuer or ""
        self._client_id = settings.oidc_client_id or ""
        self._redirect_uri = settings.oidc_redirect_uri or ""
        self._settings = settings
        self._tokens = tokens
        self._transport = transport
        self._clock = clock
        self._client: AsyncOAuth2Client | None = None
        self._metadata: dict[str, Any] = {}
        self._metadata_until = 0.0
        self._keys: KeySet | None = None
        self._keys_at = 0.0
        self._lock = asyncio.Lock()
        self.provider = provider_of(self._issuer)

    async def start(self) -> Flow:
        """Begin a sign-in: where to send the browser, and what it keeps until it is back.

        Raises:
            Problem: no issuer is set.
            OidcUnavailable: it does not answer.
        """
        metadata = await self._describe()
        remembered = {
            "state": secrets.token_urlsafe(24),
            "nonce": secrets.token_urlsafe(24),
            "verifier": secrets.token_urlsafe(48),
        }
        url, _ = self._speaker().create_authorization_url(
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
        metadata = await self._describe()
        try:
            flow = self._tokens.open(answer.flow, FLOW)
        except TokenInvalid:
            _refuse("it was begun too long ago, or not here; begin again")
        if not hmac.compare_digest(answer.state.encode(), flow["state"].encode()):
            _refuse("its state belongs to another sign-in")
        if answer.iss is not UNSET and answer.iss != self._issuer:
            _refuse("it comes from another issuer")
        if answer.iss is UNSET and metadata.get("authorization_response_iss_parameter_supported"):
            _refuse("it does not say which issuer it comes from")
        id_token = await self._redeem(metadata, answer.code, flow["verifier"])
        claims = await self._read(metadata, id_token, flow["nonce"])
        return self._outside(claims, flow)

    async def close(self) -> None:
        """Close connections to the issuer."""
        if self._client is not None:
            await self._client.aclose()

    # The protocol's steps ----------------------------------------------------------------------

    async def _redeem(self, metadata: dict[str, Any], code: str, verifier: str) -> str:
        """The id token that the code is good for, once."""
        try:
            found = await self._speaker().fetch_token(
                metadata["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                redirect_uri=self._redirect_uri,
            )
        except OAuthError as error:
            _log.info("the issuer refused a code", error=error.error)
            _refuse("the issuer does not take its code")
        except (httpx.HTTPError, ValueError) as error:
            raise _unavailable(error) from error
        id_token = found.get("id_token")
        if not isinstance(id_token, str):
            _refuse("the issuer sent no id token")
        return id_token

    async def _read(self, metadata: dict[str, Any], id_token: str, nonce: str) -> CodeIDToken:
        """The claims of an id token that is the issuer's, for us, of this sign-in."""
        try:
            try:
                found = jwt.decode(id_token, await self._key_set(metadata), list(ALGORITHMS))
            except (JoseError, ValueError):
                keys = await self._key_set(metadata, anew=True)  # they may have been rotated
                found = jwt.decode(id_token, keys, list(ALGORITHMS))
            claims = CodeIDToken(
                found.claims,
                found.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": self._client_id},
                    "sub": {"essential": True},
                    "exp": {"essential": True},
                    "iat": {"essential": True},
                    "nonce": {"essential": True, "value": nonce},
                },
                {"nonce": nonce, "client_id": self._client_id},
            )
            claims.validate(leeway=SKEW_SECONDS)
        except (JoseError, OAuthError, ValueError, TypeError, KeyError) as error:
            _log.info("an id token was refused", error=type(error).__name__)
            _refuse("its id token is not the issuer's for this sign-in")
        return claims

    def _outside(self, claims: CodeIDToken, flow: dict[str, Any]) -> Outside:
        subject, provider = claims["sub"], self.provider
        if self._issuer == TELEGRAM_ISSUER:
            subject, provider = claims.get("id"), TELEGRAM
            subject = str(subject) if type(subject) is int and subject > 0 else ""
        if (
            not isinstance(subject, str)
            or not 0 < len(subject) <= SUBJECT_CHARS_MAX
            or "\x00" in subject
        ):
            _refuse("its id token names nobody")
        return Outside(
            provider=provider,
            subject_id=subject,
            digest=hashlib.sha256(b"oidc." + flow["state"].encode()).digest(),
            proved_at=float(flow["iat"]),
            good_until=float(flow["exp"]),
            first_name=_text(claims.get("given_name")) or _text(claims.get("name")),
            last_name=_text(claims.get("family_name")) if claims.get("given_name") else "",
            username=_text(claims.get("preferred_username")),
            language=_text(claims.get("locale"), 35),
        )

    # The issuer --------------------------------------------------------------------------------

    def _speaker(self) -> AsyncOAuth2Client:
        if self._client is None:
            secret = self._settings.oidc_client_secret
            self._client = AsyncOAuth2Client(
                self._client_id,
                secret,
                token_endpoint_auth_method="client_secret_basic" if secret else "none",
                scope=self._settings.oidc_scope,
                redirect_uri=self._redirect_uri,
                code_challenge_method="S256",
                timeout=TIMEOUT_SECONDS,
                follow_redirects=False,
                transport=self._transport,
            )
        return self._client

    async def _describe(self) -> dict[str, Any]:
        """The issuer's metadata (OpenID Connect Discovery 1.0)."""
        if not (self._issuer and self._client_id and self._redirect_uri):
            raise Problem("oidc-not-configured", "No issuer of OpenID Connect is set up here.")
        async with self._lock:
            if self._metadata and self._clock() < self._metadata_until:
                return self._metadata
            address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            metadata: dict[str, Any] = await self._get(address)
            ends = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if metadata.get("issuer") != self._issuer or not all(
                self._is_trusted(metadata.get(name)) for name in ends
            ):
                raise OidcUnavailable("The issuer's description is another issuer's, or unsafe.")
            self._metadata, self._metadata_until = metadata, self._clock() + METADATA_SECONDS
            self._keys = None
            return metadata

    async def _key_set(self, metadata: dict[str, Any], *, anew: bool = False) -> KeySet:
        async with self._lock:
            age = self._clock() - self._keys_at
            if self._keys is None or (anew and age > KEYS_SECONDS_MIN):
                found: Any = await self._get(metadata["jwks_uri"])
                self._keys = KeySet.import_key_set(found)
                self._keys_at = self._clock()
            return self._keys

    async def _get(self, address: str) -> dict[str, Any]:
        try:
            answer = await self._speaker().request("GET", address, withhold_token=True)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise _unavailable(error) from error
        if not isinstance(found, dict):
            raise OidcUnavailable("The issuer answers with something that is no JSON object.")
        return dict(found)

    def _is_trusted(self, address: object) -> bool:
        """Whether an address may be used: by TLS, except where the issuer itself has none."""
        safe = ("https://",) if self._issuer.startswith("https://") else ("https://", "http://")
        return isinstance(address, str) and address.startswith(safe)


def provider_of(issuer: str) -> str:
    """What `identity_links` calls an issuer."""
    return f"oidc_{hashlib.sha256(issuer.encode()).hexdigest()[:16]}"


def _text(value: object, chars_max: int = NAME_CHARS_MAX) -> str:
    """A claim that is for showing; empty if it cannot be shown."""
    return value if isinstance(value, str) and len(value) <= chars_max else ""


def _unavailable(error: Exception) -> OidcUnavailable:
    return OidcUnavailable(f"The issuer does not answer as it should: {type(error).__name__}.")


def _refuse(reason: str) -> NoReturn:
    raise OidcInvalid(f"This sign-in cannot be used: {reason}.")
