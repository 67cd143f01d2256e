"""What an invoice carries through Telegram and back: whose it is, for what, at which price, signed.

Telegram takes 1 to 128 bytes and shows them to nobody (Bot API, createInvoiceLink). They are
base64url of: a version, the account, the offer, credits and price, a MAC under a key of the
account's own, and the pack's id. So nobody but us can make one, it is worth nothing for another
account, a price that changes later does not change what was agreed, and the renewal of a
subscription, which carries it again after years, is still understood. Who is erased takes the key
along.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

from commands.catalogue import Pack
from runtime.crypto.master import subkey

CHARS_MAX: Final = 128
_VERSION: Final = 1
_HEAD: Final = struct.Struct(">B16s16sII")
_MAC_BYTES: Final = 16
_PACK_BYTES_MAX: Final = CHARS_MAX * 3 // 4 - _HEAD.size - _MAC_BYTES


class Invoice(NamedTuple):
    """What was offered to whom."""

    account_id: UUID
    offer_id: UUID
    pack_id: str
    credits: int
    stars: int


class Carried(NamedTuple):
    """An invoice as it came back; whether it is ours is not known before `check`."""

    invoice: Invoice
    text: str

    def is_ours(self, account_key: bytes) -> bool:
        """Whether we made it, for the account that this key is of."""
        return hmac.compare_digest(write(self.invoice, account_key), self.text)


def invoice_of(account_id: UUID, offer_id: UUID, pack: Pack) -> Invoice:
    """The offer of a pack at its price of today."""
    return Invoice(account_id, offer_id, pack.id, pack.credits, pack.stars)


def write(invoice: Invoice, account_key: bytes) -> str:
    """The payload of an invoice: at most 128 ASCII characters."""
    pack_id = invoice.pack_id.encode("ascii")
    assert 0 < len(pack_id) <= _PACK_BYTES_MAX
    head = _HEAD.pack(
        _VERSION,
        invoice.account_id.bytes,
        invoice.offer_id.bytes,
        invoice.credits,
        invoice.stars,
    )
    signed = head + pack_id
    mac = hmac.digest(subkey(account_key, "invoice"), signed, sha256)[:_MAC_BYTES]
    return base64.urlsafe_b64encode(head + mac + pack_id).rstrip(b"=").decode("ascii")


def read(text: str) -> Carried | None:
    """What a payload says; None: it is none of ours."""
    if not text.isascii() or len(text) > CHARS_MAX:
        return None
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        version, account, offer, credit_count, stars = _HEAD.unpack_from(data)
        pack_id = data[_HEAD.size + _MAC_BYTES :].decode("ascii")
    except (binascii.Error, struct.error, UnicodeDecodeError):
        return None
    if version != _VERSION or not 0 < len(pack_id) <= _PACK_BYTES_MAX:
        return None
    invoice = Invoice(UUID(bytes=account), UUID(bytes=offer), pack_id, credit_count, stars)
    return Carried(invoice, text)
