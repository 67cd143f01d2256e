"""The account itself: `GET /me`, `PATCH /me`, `DELETE /me`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, delete, get, patch
from litestar.types import ASGIApp
from msgspec import UNSET, Meta, UnsetType

from commands.catalogue import SIZES, STYLES
from commands.consents import BY_PURPOSE
from events.accounts import AccountErased
from events.codec import Event
from events.ids import derive, fact_id
from events.preferences import ConsentGiven, ConsentWithdrawn, PreferencesChanged
from gateway.account.profile import MeDocument, profile_of
from gateway.api.contract import contract
from gateway.api.documents import Id, Time, at, says
from gateway.deps import Deps
from gateway.events_out import EVENTS, outgoing
from gateway.identity.signed_in import Account
from gateway.web.cursors import LogPosition, token_header
from gateway.web.errors import Problem, field_problem
from gateway.web.http import header_in
from gateway.web.replies import body_of, deps_of, reply, signed_in

CONSENTS_MAX: Final = 20
_STYLE_IDS: Final = frozenset(style.id for style in STYLES)
_PREFERENCES: Final = (
    "language",
    "default_style_id",
    "default_size",
    "notifications",
    "analytics",
    "prompt_in_files",
)

Language = Annotated[str, Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$", max_length=35)]
Version = Annotated[str, Meta(min_length=1, max_length=40)]


class MeChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be changed; what is missing stays, null goes back to the default."""

    language: Language | UnsetType | None = UNSET
    default_style_id: Annotated[str, Meta(max_length=100)] | UnsetType | None = UNSET
    default_size: Annotated[str, Meta(max_length=20)] | UnsetType | None = UNSET
    notifications: bool | UnsetType = UNSET
    analytics: bool | UnsetType = UNSET
    prompt_in_files: bool | UnsetType = UNSET
    consents: Annotated[
        dict[str, Version | None],
        Meta(max_length=CONSENTS_MAX),
        says("By purpose: the version that is agreed to; null takes the agreement back."),
    ] = {}


class ErasureDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The account has ended."""

    id: Id
    status: Annotated[str, says("`erasing`: key and person are gone, pictures go next.")]
    erased_at: Time | None


_decoder = msgspec.json.Decoder(MeChange)


@get(
    "/me",
    opt=contract(
        "Account",
        "read_me",
        "Who I am, what I chose, what I agreed to.",
        {200: MeDocument},
        headers=("Consistency-Token",),
        details="Nobody else is ever shown it.",
    ),
)
async def read(request: Request[Any, Any, Any]) -> ASGIApp:
    """The profile of the account that asks."""
    deps = deps_of(request)
    account = await signed_in(request)
    await deps.consistency.honour(header_in(request.scope["headers"], b"consistency-token"))
    return reply(await profile_of(deps.pool, account))


@patch(
    "/me",
    opt=contract(
        "Account",
        "change_me",
        "Change preferences; agree to documents, or take that back.",
        {200: MeDocument},
        body=MeChange,
        problems=("consent-outdated", "append-unknown", "log-overloaded", "not-caught-up"),
        details=(
            "Only what is named changes; null goes back to the default. `consents` names documents "
            "by purpose: only the version that is shown now can be agreed to, null withdraws. "
            "Every change is a fact in the log. Repeating it does no harm."
        ),
    ),
)
async def change(request: Request[Any, Any, Any]) -> ASGIApp:
    """Append what changes; answer with the profile that has it."""
    deps = deps_of(request)
    account = await signed_in(request)
    document, place = await change_profile(deps, account, await body_of(request, _decoder))
    return reply(document, headers=[] if place is None else [token_header(*place)])


async def change_profile(
    deps: Deps, account: Account, wanted: MeChange
) -> tuple[MeDocument, LogPosition | None]:
    """Append what changes; the profile that has it, and where the last change stands, if any does.

    Raises:
        Problem: it cannot be chosen or agreed to; or it is safe but not readable yet.
        PixelpopError: it is not known to be in the log.
    """
    _check(wanted)
    before = await profile_of(deps.pool, account)
    now_ms = deps.clock.now_ms()
    place = None
    for event in _events(account, wanted, before, now_ms):
        place = await _append(deps, account, event, now_ms)
    if place is None:
        return before, None
    if not await deps.consistency.passed(place):
        raise Problem(
            "not-caught-up",
            "Your change is safe but not readable yet. Ask for it shortly.",
            retry_after=1,
            headers=[token_header(*place)],
        )
    return await profile_of(deps.pool, account), place


@delete(
    "/me",
    status_code=200,  # the reply sends 202 itself
    opt=contract(
        "Account",
        "erase_me",
        "Erase the account, at once and for ever.",
        {202: ErasureDocument},
        problems=("append-unknown", "log-overloaded"),
        details=(
            "The key that everything personal is sealed with is destroyed, and the link to the "
            "person; then the pictures. Credits that are left are lost, a debt is not. No token "
            "and no key of the account is good any more. Who signs in again gets a new account, "
            "without welcome credits."
        ),
    ),
)
async def erase(request: Request[Any, Any, Any]) -> ASGIApp:
    """Append the order, then end the account here at once; the eraser does the rest."""
    deps = deps_of(request)
    account = await signed_in(request)
    # Finished even if the client goes away: half of it would wait for the eraser.
    place, erased_at_ms = await asyncio.shield(_erase(deps, account))
    document = ErasureDocument(id=account.account_id, status="erasing", erased_at=at(erased_at_ms))
    return reply(document, 202, headers=[token_header(*place)])


async def _erase(deps: Deps, account: Account) -> tuple[LogPosition, int]:
    now_ms = deps.clock.now_ms()
    event = AccountErased(account_id=account.account_id, occurred_at_ms=now_ms, reason="user")
    position = await deps.log.append(
        EVENTS,
        outgoing(
            event,
            fact_id(account.account_id, "erased"),
            correlation_id=account.account_id,
            time_ms=now_ms,
        ),
    )
    await deps.erasure.destroy(account.uuid)
    deps.authenticator.erased(account.account_id)
    return LogPosition(position.partition, position.offset), position.appended_at_ms


def _check(wanted: MeChange) -> None:
    """Refuse what the catalogue does not have, and consent to what is not shown."""
    style, size = wanted.default_style_id, wanted.default_size
    if isinstance(style, str) and style not in _STYLE_IDS:
        raise field_problem("default_style_id", "is no style that GET /styles names")
    if isinstance(size, str) and size not in SIZES:
        raise field_problem("default_size", f"must be one of {', '.join(SIZES)}")
    for purpose, version in wanted.consents.items():
        document = BY_PURPOSE.get(purpose)
        if document is None:
            known = ", ".join(BY_PURPOSE)
            raise field_problem(f"consents.{purpose}"[:100], f"is none of {known}")
        if version is not None and version != document.version:
            raise Problem(
                "consent-outdated",
                f"The document {purpose} is shown in version {document.version} now. Show that "
                "one and send its version.",
            )


def _events(account: Account, wanted: MeChange, before: MeDocument, now_ms: int) -> list[Event]:
    """The facts that the change comes to; what is so already is no fact."""
    about: dict[str, Any] = {"account_id": account.account_id, "occurred_at_ms": now_ms}
    events: list[Event] = []
    changed = {
        name: value
        for name in _PREFERENCES
        if (value := getattr(wanted, name)) is not UNSET
        and value != getattr(before.preferences, name)
    }
    if changed:
        events.append(PreferencesChanged(**about, **changed))
    held = {
        one.purpose: one.version
        for one in before.consents
        if one.version is not None and one.withdrawn_at is None
    }
    for purpose, version in wanted.consents.items():
        if version is not None and held.get(purpose) != version:
            events.append(ConsentGiven(**about, purpose=purpose, version=version))
        elif version is None and purpose in held:
            events.append(ConsentWithdrawn(**about, purpose=purpose, version=held[purpose] or ""))
    return events


async def _append(deps: Deps, account: Account, event: Event, now_ms: int) -> LogPosition:
    said = msgspec.json.encode(event).decode()
    event_id = fact_id(account.account_id, derive("preferences", said))
    position = await deps.log.append(
        EVENTS, outgoing(event, event_id, correlation_id=account.account_id, time_ms=now_ms)
    )
    return LogPosition(position.partition, position.offset)
