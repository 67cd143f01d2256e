"""What each role may do with the rows of every account, and why: the least that it needs.

What is missing here it may not; what is here and not so is a fault as well. Rows of the account
for which a transaction works are another matter: those are its own.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.integration.security import rights_of_eraser, rights_of_moderation, rights_of_uploads
from tests.integration.security.reach import ALL, Reach


class May(NamedTuple):
    """A right over all accounts' rows of one table."""

    reach: Reach
    why: str


class Asks(NamedTuple):
    """A function that sees more than its caller, and of which tables it tells or changes."""

    tells: frozenset[str]
    changes: frozenset[str]
    why: str


def _columns(names: str) -> frozenset[str]:
    return frozenset(names.split())


def _asks(why: str, *tells: str, changes: tuple[str, ...] = ()) -> Asks:
    return Asks(frozenset(tells), frozenset(changes), why)


_READ_MODELS = (
    *("accounts", "batches", "batch_items"),
    *("consents", "credit_accounts", "generations", "grants", "images", "ledger"),
    *("moderation_verdicts", "preferences", "purchases", "telegram_chats", "users", "voids"),
)
_WITH_AN_IDENTITY = tuple(
    f"public.{name}"
    for name in (
        *rights_of_moderation.WITH_AN_IDENTITY,
        *("identities", "identity_links", "identity_marks", "role_grants", "api_keys", "exports"),
        *("webhook_endpoints", "webhook_deliveries", "webhook_attempts", "erasures", "uploads"),
        *("bot_dialogues", "bot_status_messages", "bot_messages", "bot_chat_pace", "shares"),
    )
)
"""What goes with a row of `identities`, and the note that it went."""

_OWN = "its own function over its own tables"

MAY: dict[str, dict[str, May]] = {
    "pixelpop_gateway": {},
    "pixelpop_decider": {},
    "pixelpop_worker": {
        "public.provider_calls": May(
            Reach(
                ALL,
                _columns(
                    "state lease_epoch lease_until provider provider_ref expected result holder"
                    " tried"
                ),
                adds=True,
            ),
            "claims paid calls, whoever asked; whose they are and what was asked for stays",
        ),
    },
    "pixelpop_projector": {
        f"read_v1.{name}": May(
            Reach(ALL, ALL, adds=True, removes=True), "derives the read models from the log"
        )
        for name in _READ_MODELS
    },
    "pixelpop_eraser": {
        "public.identities": May(
            Reach(frozenset({"account_id"})), "finds accounts that an old backup brought back"
        ),
        "public.provider_calls": May(
            Reach(frozenset({"account_id", "state"}), removes=True),
            "removes the claims of erased accounts that are at an end",
        ),
        "public.erasures": May(
            Reach(ALL, _columns("marks swept_at done_at settled_at debt_noted")),
            "notes how far each erasure is",
        ),
        "public.debts": May(
            Reach(ALL, frozenset({"account_id", "carried_at"})),
            "carries debts over to the person's next account; makes them without one",
        ),
        "public.uploads": May(rights_of_uploads.REACH, "removes photos that nobody used"),
    },
    "pixelpop_webhooks": {
        "public.webhook_endpoints": May(
            Reach(
                _columns(
                    "endpoint_id account_id url event_types enabled secret_number secret"
                    " old_secret old_secret_until from_ms"
                ),
                frozenset({"enabled", "disabled_reason"}),
            ),
            "sends to every customer's endpoints and switches off those that are gone",
        ),
        "public.webhook_deliveries": May(
            Reach(
                ALL,
                _columns("state attempts tries due_at lease_epoch lease_until ended_at"),
                adds=True,
                removes=True,
            ),
            "plans deliveries, sends them as planned, and removes old ones",
        ),
        "public.webhook_attempts": May(
            Reach(
                frozenset({"delivery_id", "attempt", "ended_at"}),
                frozenset({"ended_at", "outcome", "status"}),
                adds=True,
            ),
            "notes how attempts ended",
        ),
    },
    "pixelpop_messages": {
        "public.bot_messages": May(
            Reach(
                ALL,
                _columns("state outcome tries due_at lease_epoch lease_until begun_at ended_at"),
                adds=True,
                removes=True,
            ),
            "plans messages, sends them as planned, and forgets old ones",
        ),
        "public.bot_chat_pace": May(
            Reach(ALL, frozenset({"next_at", "closed_until"}), adds=True),
            "knows when whom was written to last",
        ),
        "public.bot_status_messages": May(
            Reach(_columns("generation_id account_id chat_id message_id language")),
            "edits what was said of generations in chats",
        ),
    },
    "pixelpop_auditor": {},
    "pixelpop_keys": {},
}

ASKS: dict[str, dict[str, Asks]] = {
    "pixelpop_gateway": {
        "sign_in": _asks(
            "holds checked proof of the outside identity, is told whose it is",
            *("public.identities", "public.identity_links", "public.identity_marks"),
            changes=("public.identity_marks",),
        ),
        "sign_in_by": _asks(
            "as sign_in, and a proof that was used makes no account",
            *("public.identities", "public.identity_links", "public.identity_marks"),
            changes=("public.identity_marks",),
        ),
        "use_proof": _asks("whether a proof was used; proofs belong to no account"),
        "link_identity": _asks(
            "holds checked proof; is told that it is taken, never by whom",
            *("public.identity_links", "public.identity_marks"),
            changes=("public.identity_marks",),
        ),
        "unlink_identity": _asks("works for the caller's account alone"),
        "destroy_own_identity": _asks("works for the caller's account alone"),
        "account_standings": _asks(
            "names accounts, is told wrapped keys and bans of those",
            *("public.identities", "public.identity_marks"),
        ),
        "wrapped_keys": _asks("names accounts, is told those keys", "public.identities"),
        "telegram_accounts": _asks(
            "names Telegram users, is told whose accounts those are", "public.identity_links"
        ),
        "account_access": _asks(
            "names accounts, is told what those may do",
            *("public.role_grants", "public.identity_links"),
        ),
        "api_keys_of": _asks(
            "holds the hash of a key, is told whose it is",
            "public.api_keys",
            changes=("public.api_keys",),
        ),
        "ban_account": _asks(
            "an admin's act, after the admin's role was checked",
            *("public.identity_marks", "public.identities"),
            changes=("public.identity_marks",),
        ),
        "admit_customer": _asks(
            "an admin's act: a new account; an id that is taken is refused",
            *("public.identities", "public.identity_marks"),
        ),
        "untold_acts_since": _asks("tells the log what is left untold", "public.untold_acts"),
        "open_share": _asks(
            "holds the hash of a link's code, is told which picture of whose it shows",
            "public.shares",
        ),
        "claim_export": _asks(
            "makes whoever's export waits: is told its ids, and works on as that account",
            "public.exports",
            changes=("public.exports",),
        ),
        "ended_exports": _asks("which exports' time is over: their ids", "public.exports"),
        "note_provider_news": _asks(
            "names a call and what its provider calls it, is told whether those belong together",
            "public.provider_calls",
        ),
        "take_payments": _asks(
            "names payments that a provider told of, is told whose those are",
            "public.payments_told",
            changes=("public.payments_told",),
        ),
        "find_payments": _asks(
            "names payments that a provider told of, is told whose those are",
            "public.payments_told",
        ),
        "note_payments_appended": _asks(
            "names payments whose facts the log has", changes=("public.payments_told",)
        ),
        **{name: Asks(*asks[1:], asks[0]) for name, asks in rights_of_moderation.GATEWAY.items()},
        "known_generations": _asks(
            "names account and generation id, is told status and body_mac", "read_v1.generations"
        ),
    },
    "pixelpop_decider": {},
    "pixelpop_worker": {"prompt_in_files": _asks("names an account", "read_v1.preferences")},
    "pixelpop_projector": {
        "prompt_in_files": _asks(_OWN, "read_v1.preferences"),
        "counted_decision": _asks(_OWN, "read_v1.ledger"),
        **{name: _asks(_OWN, *tables) for name, tables in rights_of_moderation.PROJECTOR.items()},
        "known_generations": _asks(_OWN, "read_v1.generations"),
        **{name: _asks(_OWN, *tables) for name, (_, *tables) in rights_of_eraser.ASKS.items()},
        "message_person": _asks(
            _OWN,
            *("read_v1.users", "read_v1.preferences", "read_v1.telegram_chats"),
            "read_v1.credit_accounts",
        ),
        "message_generation": _asks(_OWN, "read_v1.generations", "read_v1.images"),
        **dict.fromkeys(("message_expiring", "message_expiries"), _asks(_OWN, "read_v1.grants")),
        "audit_purchases": _asks(_OWN, "read_v1.purchases"),
    },
    "pixelpop_eraser": {
        "destroy_identity": _asks(
            "erases whose `AccountErased` stands in the log",
            *("public.identities", "public.erasures"),
            changes=_WITH_AN_IDENTITY,
        ),
        "marked_account": _asks(
            "holds the marks of a debt, is told whose account it is now", "public.identity_marks"
        ),
        "owe": _asks("holds the marks of a debt", changes=("public.identity_marks",)),
        **{name: _asks(*asked) for name, asked in rights_of_eraser.ASKS.items()},
    },
    "pixelpop_webhooks": {
        "counted_decision": _asks(
            "names account and place in its chain, is told the hash there", "read_v1.ledger"
        ),
    },
    "pixelpop_messages": {
        "counted_decision": _asks(
            "names account and place in its chain, is told the hash there", "read_v1.ledger"
        ),
        "telegram_chat_of": _asks(
            "names an account that is to be told something, is told its chat",
            "public.identity_links",
        ),
        "message_person": _asks(
            "names an account, is told language, preferences and balance",
            *("read_v1.users", "read_v1.preferences", "read_v1.telegram_chats"),
            "read_v1.credit_accounts",
        ),
        "message_batch": _asks("names one of a batch", *rights_of_moderation.A_BATCH),
        "message_generation": _asks(
            "names account and generation, is told what became of it",
            *("read_v1.generations", "read_v1.images"),
        ),
        "message_expiring": _asks(
            "names an account, is told what of its credits ends", "read_v1.grants"
        ),
        "message_expiries": _asks("whose credits end soon, and on which day", "read_v1.grants"),
    },
    "pixelpop_auditor": {
        "audit_purchases": _asks("every purchase, page by page", "read_v1.purchases"),
    },
    "pixelpop_keys": {
        "wrapped_keys_by_master": _asks("counts keys", "public.identities"),
        "keys_to_rewrap": _asks("reads wrapped keys, page by page", "public.identities"),
        "rewrap_keys": _asks(
            "replaces wrapped keys", "public.identities", changes=("public.identities",)
        ),
    },
}

HARMLESS = frozenset({"app_account_id", "provider_calls_guard"})
"""Functions that see what their caller sees."""
