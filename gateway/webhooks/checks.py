"""What of a webhook is checked and made before it is stored: its address, types and secret."""

from __future__ import annotations

import base64
import os
from typing import Final
from uuid import UUID

from commands.requests import InvalidRequest
from events.outward import TYPES
from gateway.identity.signed_in import Account
from runtime.crypto.sealing import seal
from runtime.outbound.addresses import AddressPolicy, networks_in
from runtime.outbound.targets import TargetRefused, checked_target
from runtime.settings import Settings

SECRET_BYTES: Final = 32
"""Standard Webhooks asks for 24 to 64."""


def target_of(settings: Settings, url: str) -> str:
    """An address that webhooks may be sent to.

    Raises:
        InvalidRequest: they may not.
    """
    networks = networks_in(settings.webhook_allowed_networks, "PIXELPOP_WEBHOOK_ALLOWED_NETWORKS")
    try:
        return checked_target(url, AddressPolicy(networks))
    except TargetRefused as error:
        raise InvalidRequest("url", str(error)) from error


def types_of(given: tuple[str, ...]) -> list[str]:
    """The types that are asked for, in order.

    Raises:
        InvalidRequest: one does not exist.
    """
    for name in given:
        if name not in TYPES:
            raise InvalidRequest("event_types", "holds a type that does not exist")
    return sorted(set(given))


def new_secret() -> str:
    """A secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(os.urandom(SECRET_BYTES)).decode("ascii")


def sealed(account: Account, endpoint_id: UUID, secret: str, number: int) -> str:
    """Under the account's key, so that an erasure makes it worthless wherever it was copied."""
    return seal(
        account.key,
        secret,
        account_id=account.uuid,
        event_id=endpoint_id,
        field=f"secret {number}",
    )
