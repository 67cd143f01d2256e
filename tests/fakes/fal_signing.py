"""How fal signs its webhooks: Ed25519 over ids, time and the body's hash, by a published key."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Any

from nacl.signing import SigningKey

USER = "github|4711"


class Signer:
    """Signs with the newest of its keys, and publishes all of them."""

    def __init__(self) -> None:
        self.keys = [SigningKey.generate()]

    def rotate(self, *, keep: bool = True) -> None:
        """Sign with a new key from now on; the old one stays published, or not."""
        self.keys = [SigningKey.generate(), *(self.keys if keep else [])]

    def key_set(self) -> dict[str, Any]:
        """What is published; there is one of another kind among them."""
        return {
            "keys": [
                {"kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "enc"},
                *(
                    {
                        "kty": "OKP",
                        "crv": "Ed25519",
                        "x": base64.urlsafe_b64encode(bytes(key.verify_key)).decode().rstrip("="),
                    }
                    for key in self.keys
                ),
            ]
        }

    def signed(
        self,
        body: bytes,
        at_seconds: float,
        message_id: str | None = None,
        user: str = USER,
        key: SigningKey | None = None,
    ) -> dict[str, str]:
        """The headers of a body."""
        name = message_id or str(uuid.uuid4())
        moment = str(int(at_seconds))
        text = "\n".join((name, user, moment, hashlib.sha256(body).hexdigest()))
        signature = (key or self.keys[0]).sign(text.encode()).signature
        return {
            "content-type": "application/json",
            "x-fal-webhook-request-id": name,
            "x-fal-webhook-user-id": user,
            "x-fal-webhook-timestamp": moment,
            "x-fal-webhook-signature": signature.hex(),
        }
