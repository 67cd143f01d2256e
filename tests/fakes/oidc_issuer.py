"""An issuer of OpenID Connect on this machine: strict with its clients, and bad when told to be."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "pixelpop"
CLIENT_SECRET = "client-secret"
REDIRECT_URI = "https://app.example/signed-in"


class Escaping(json.JSONEncoder):
    """Writes all but ASCII as escapes, and so can say halves of pairs, as some issuers do."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(**rest | {"ensure_ascii": True})


class Issuer:
    """Answers at `url` once it runs."""

    def __init__(self) -> None:
        self.url = ""
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.keys = [self.key]
        """Those that it shows."""
        self.metadata: dict[str, Any] = {}
        """What its description says differently."""
        self.claims: dict[str, Any] = {}
        """What its id tokens say differently; None: not at all."""
        self.head: dict[str, Any] = {}
        self.id_token: str | None = None
        """Sent instead of one of its own."""
        self.down = False
        self.asked: list[str] = []
        """The paths that were asked for."""
        self._codes: dict[str, dict[str, str]] = {}

    def approve(self, authorization_url: str, subject: str) -> tuple[str, str]:
        """As a person who signs in there: the code and the state that come back."""
        asked = {
            name: values[0] for name, values in parse_qs(urlsplit(authorization_url).query).items()
        }
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT_ID, REDIRECT_URI)
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = {**asked, "subject": subject}
        return code, asked["state"]

    def rotate(self) -> None:
        """Sign by a new key; the old one is shown no more."""
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})
        self.keys = [self.key]

    async def _describe(self, request: web.Request) -> web.Response:
        self._refuse_if_down(request)
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
            | self.metadata
        )

    async def _show_keys(self, request: web.Request) -> web.Response:
        self._refuse_if_down(request)
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def _redeem(self, request: web.Request) -> web.Response:
        self._refuse_if_down(request)
        form = await request.post()
        asked = self._codes.pop(str(form.get("code")), None)
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        challenge = base64.urlsafe_b64encode(
            hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        ).rstrip(b"=")
        if (
            asked is None
            or request.headers.get("Authorization") != f"Basic {basic}"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge.decode() != asked["code_challenge"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        body = {"access_token": "at", "token_type": "Bearer", "expires_in": 60}
        return web.json_response(body | {"id_token": self.id_token or self._sign(asked)})

    def _sign(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": asked["subject"],
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "given_name": "Grace",
            "family_name": "Hopper",
            "locale": "en",
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        head = {"alg": "RS256", "kid": self.key.kid} | self.head
        return jwt.encode(head, claims, self.key, encoder_cls=Escaping)

    def _refuse_if_down(self, request: web.Request) -> None:
        self.asked.append(request.path)
        if self.down:
            raise web.HTTPServiceUnavailable

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Issuer]:
        """Serve on a free port."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._describe)
        app.router.add_get("/keys", self._show_keys)
        app.router.add_post("/token", self._redeem)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()
