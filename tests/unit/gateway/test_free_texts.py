"""Every text that somebody may send is known here, and who reads it: none slips by moderation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import inspect

from gateway.api.contract import KEY
from gateway.app import ROUTES

MODERATED = {
    "prompt": "ImageRequest EditRequest VariationRequest BatchItem CheckRequest",
    "negative_prompt": "ImageRequest BatchItem CheckRequest",
    "title": "CheckRequest",
    "instructions": "CheckRequest",
    "text": "Message",
    "caption": "Message",
    "query": "InlineQuery",
}
"""What pictures are made of, and what comes by the bot's chats: words there become a prompt (or
search one's own pictures), and go the way of every prompt."""
READ_BY_ITS_AUTHOR = {
    "name": "ApiKeyRequest CustomerKeyRequest",
    "description": "WebhookRequest WebhookChange",
    "url": "WebhookRequest WebhookChange",
    "first_name": "User",
    "last_name": "User",
    "username": "User",
}
READ_BY_ADMINS = {
    "words": "AppealRequest",
    "name": "CustomerRequest",
    "customer": "CustomerRequest",
    "reason": "ReasonRequest RoleRequest CustomerRequest CustomerKeyRequest PromotionRequest "
    "GoodwillRequest",
}
NO_WORDS = {
    "init_data": "LoginRequest Proof",
    "login_widget": "LoginRequest Proof",
    "flow": "OidcAnswer",
    "code": "OidcAnswer RedeemRequest ClaimRequest",
    "state": "OidcAnswer",
    "iss": "OidcAnswer",
    "session_key": "LoginRequest",
    "ref": "LoginRequest",
    "style_id": "ImageRequest EditRequest VariationRequest BatchItem BatchRequest",
    "size": "ImageRequest EditRequest VariationRequest BatchItem BatchRequest",
    "model": "ImageRequest EditRequest VariationRequest BatchItem BatchRequest",
    "quality": "ImageRequest EditRequest VariationRequest BatchItem BatchRequest",
    "default_style_id": "MeChange",
    "default_size": "MeChange",
    "consents": "MeChange",
    "pack_id": "PurchaseRequest",
    "provider": "PurchaseRequest",
    "event_types": "WebhookRequest WebhookChange",
    "request_id": "RequestNews",
    "id": "PredictionNews CallbackQuery PreCheckoutQuery InlineQuery StripeEvent",
    "type": "Chat StripeEvent",
    "language_code": "User",
    "file_id": "PhotoSize Document",
    "mime_type": "Document",
    "currency": "SuccessfulPayment RefundedPayment PreCheckoutQuery",
    "invoice_payload": "SuccessfulPayment RefundedPayment PreCheckoutQuery",
    "telegram_payment_charge_id": "SuccessfulPayment RefundedPayment",
    "data": "CallbackQuery",
    "offset": "InlineQuery",
    "result_id": "ChosenInlineResult",
    "status": "ChatMember",
    "payment_intent": "Thing",
}
"""Ids, codes, addresses, names from the catalogue, proofs: compared, and shown to nobody else."""


class _Inner(msgspec.Struct):
    note: str | None = None


class _Body(msgspec.Struct):
    notes: list[_Inner]
    labels: dict[str, str]
    number: int = 0


def fields_in(kind: inspect.Type, place: str) -> Iterator[str]:
    """The fields of a body that hold any text: `Struct.field`."""
    if isinstance(kind, inspect.StrType):
        if kind.pattern is None:
            yield place
    elif isinstance(kind, inspect.StructType):
        for field in kind.fields:
            yield from fields_in(field.type, f"{kind.cls.__name__}.{field.name}")
    elif isinstance(kind, inspect.Metadata):
        yield from fields_in(kind.type, place)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from fields_in(one, place)
    elif isinstance(kind, inspect.DictType):
        yield from fields_in(kind.key_type, place)
        yield from fields_in(kind.value_type, place)
    elif isinstance(kind, inspect.CollectionType):
        yield from fields_in(kind.item_type, place)


def test_every_text_is_known() -> None:
    """Who adds a field for words says here who reads it, and has it moderated where others do."""
    sent = {
        field
        for route in ROUTES
        if (contract := route.opt.get(KEY)) is not None and contract.body is not None
        for field in fields_in(inspect.type_info(contract.body), contract.name)
    }
    known = {
        f"{struct}.{field}"
        for group in (MODERATED, READ_BY_ITS_AUTHOR, READ_BY_ADMINS, NO_WORDS)
        for field, structs in group.items()
        for struct in structs.split()
    }
    assert sent == known


def test_the_page_tells_of_each() -> None:
    """The page on moderation names each field for words."""
    page = Path("docs/moderation.md").read_text("utf-8")
    missing = {
        field
        for group in (MODERATED, READ_BY_ITS_AUTHOR, READ_BY_ADMINS)
        for field in group
        if f"`{field}`" not in page
    }
    assert not missing


def test_texts_are_found() -> None:
    """The walk finds a text wherever it stands."""
    assert set(fields_in(inspect.type_info(_Body), "x")) == {"_Inner.note", "_Body.labels"}
