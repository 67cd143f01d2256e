"""An issuer of OpenID Connect: its description, its keys, and the way to speak with it.

OpenID Connect Discovery 1.0; both are kept for a while, and keys are asked for anew when a token
names one that is not known.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc.jwk import KeySet

from gateway.web.errors import Problem
from runtime.errors import PixelpopError
from runtime.settings import Settings

METADATA_SECONDS: Final = 3600.0
"""How long the issuer's description and keys are used before they are asked for again."""
KEYS_SECONDS_MIN: Final = 30.0
"""How often the keys are asked for at most when a token names one that is not known."""
TIMEOUT_SECONDS: Final = 10.0
NETWORK_ERRORS: Final = (httpx2.HTTPError, httpx2.InvalidURL, ValueError)
"""What asking raises where the issuer does not answer as one does."""


class OidcUnavailable(PixelpopError):
    """The issuer does not answer, or not as an issuer does."""

    code = "oidc-unavailable"
    retryable = True


class Issuer:
    """The one issuer that is set, if one is.

    Args:
        settings: issuer, client and redirect address.
        clock: seconds that never go back.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = settings.oidc_issuer or ""
        self.client_id = settings.oidc_client_id or ""
        self.redirect_uri = settings.oidc_redirect_uri or ""
        self._settings = settings
        self._clock = clock
        self._client: AsyncOAuth2Client | None = None
        self._metadata: dict[str, Any] = {}
        self._metadata_until = 0.0
        self._keys: KeySet | None = None
        self._keys_at = 0.0
        self._lock = asyncio.Lock()

    @property
    def client(self) -> AsyncOAuth2Client:
        """Speaks OAuth 2 with it."""
        if self._client is None:
            secret = self._settings.oidc_client_secret
            self._client = AsyncOAuth2Client(
                self.client_id,
                secret,
                token_endpoint_auth_method="client_secret_basic" if secret else "none",
                scope=self._settings.oidc_scope,
                redirect_uri=self.redirect_uri,
                code_challenge_method="S256",
                timeout=TIMEOUT_SECONDS,
                follow_redirects=False,
            )
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def describe(self) -> dict[str, Any]:
        """The issuer's metadata.

        Raises:
            Problem: no issuer is set.
            OidcUnavailable: it does not answer, or describes another issuer.
        """
        if not (self.name and self.client_id and self.redirect_uri):
            raise Problem("oidc-not-configured", "No issuer of OpenID Connect is set up here.")
        async with self._lock:
            if self._metadata and self._clock() < self._metadata_until:
                return self._metadata
            address = f"{self.name.rstrip('/')}/.well-known/openid-configuration"
            metadata: dict[str, Any] = await self._get(address)
            ends = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if metadata.get("issuer") != self.name or not all(
                self._is_trusted(metadata.get(name)) for name in ends
            ):
                raise OidcUnavailable("The issuer's description is another issuer's, or unsafe.")
            self._metadata, self._metadata_until = metadata, self._clock() + METADATA_SECONDS
            self._keys = None
            return metadata

    async def keys(self, *, anew: bool = False) -> KeySet:
        """The keys that sign id tokens; `anew`: asked for again, unless that was just done."""
        metadata = await self.describe()
        async with self._lock:
            age = self._clock() - self._keys_at
            if self._keys is None or (anew and age > KEYS_SECONDS_MIN):
                found: Any = await self._get(metadata["jwks_uri"])
                self._keys = KeySet.import_key_set(found)
                self._keys_at = self._clock()
            return self._keys

    async def _get(self, address: str) -> dict[str, Any]:
        try:
            answer = await self.client.request("GET", address, withhold_token=True)
            answer.raise_for_status()
            found = answer.json()
        except NETWORK_ERRORS as error:
            raise unavailable(error) from error
        if not isinstance(found, dict):
            raise OidcUnavailable("The issuer answers with something that is no JSON object.")
        return dict(found)

    def _is_trusted(self, address: object) -> bool:
        """Whether an address may be used: by TLS, except where the issuer itself has none."""
        safe = ("https://",) if self.name.startswith("https://") else ("https://", "http://")
        return isinstance(address, str) and address.startswith(safe)


def unavailable(error: Exception) -> OidcUnavailable:
    """The same as something that a person is told."""
    return OidcUnavailable(f"The issuer does not answer as it should: {type(error).__name__}.")
