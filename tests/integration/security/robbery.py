"""Every query of the project, and everything that is known of somebody as arguments for it.

A query's arguments are the victim's own values: those of the column that a parameter is compared
with or written to, else whatever of the victim's has the parameter's type.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from runtime.queries import load_queries

ROOT = Path(__file__).parents[3]
FOLDERS = ("gateway", "processors", "projections", "runtime")
VALUES_MAX = 4
FIXED: dict[str, list[Any]] = {
    "bool": [True, False],
    # Ages and lengths of time in seconds.
    "float8": [0.0, 3600.0],
    "numeric": [Decimal(0), Decimal(3600)],
}
"""Values for parameters of which the victim's rows hold none worth trying."""

_STRUCTURE = re.compile(
    r"\b(create|drop|alter|grant|revoke|lock|do|truncate|comment|reindex|vacuum|set)\b",
    re.IGNORECASE,
)
_WRITES = re.compile(r"\b(insert|update|delete|merge)\b", re.IGNORECASE)
_COMPARED = re.compile(
    r"(?:\w+\.)?(\w+)\s*(?:=|<>|<=|>=|<|>|@>|&&)\s*(?:ANY\s*\(\s*|ALL\s*\(\s*)?\(*\$(\d+)",
    re.IGNORECASE,
)
_INSERTED = re.compile(
    r"INSERT\s+INTO\s+[\w.]+(?:\s+AS\s+\w+)?\s*\(([^)]*)\)\s*VALUES\s*\(", re.IGNORECASE
)


class Query(NamedTuple):
    """One named query of the project."""

    file: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.name}"

    @property
    def writes(self) -> bool:
        return _WRITES.search(_bare(self.text)) is not None


def queries() -> list[Query]:
    """All that hold data; those that make or change structure are left out."""
    found = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.sql")):
            file = str(path.relative_to(ROOT))
            for name, text in load_queries(path).items():
                first = _bare(text).split(None, 1)
                # `rows_…` are beginnings of the rebuild's comparison, no statements by themselves.
                fragment = folder == "projections" and name.startswith("rows_")
                if first and not fragment and not _STRUCTURE.fullmatch(first[0]):
                    found.append(Query(file, name, text))
    return found


def _bare(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))


class Victim:
    """All rows that are somebody's, and the values in them."""

    def __init__(self, account_id: UUID, rows: dict[str, list[asyncpg.Record]]) -> None:
        self.account_id = account_id
        self.rows = rows
        self.by_column: dict[str, list[Any]] = {}
        self.by_type: dict[type, list[Any]] = {}
        for record in itertools.chain.from_iterable(rows.values()):
            for column, value in record.items():
                for one in value if isinstance(value, list) else [value]:
                    _add(self.by_column.setdefault(column, []), one)
                    # asyncpg's UUID is a class of its own.
                    kind = UUID if isinstance(one, UUID) else type(one)
                    _add(self.by_type.setdefault(kind, []), one)


def _add(values: list[Any], value: Any) -> None:
    if value is not None and value not in values:
        values.append(value)


async def tables(owner: asyncpg.Connection) -> list[str]:
    """Every table of ours that has an account id, schema and name."""
    rows = await owner.fetch(
        """
        SELECT format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relkind IN ('r', 'p') AND a.attname = 'account_id' AND NOT a.attisdropped
            AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
        ORDER BY 1
        """
    )
    return [row["name"] for row in rows]


async def victim_of(owner: asyncpg.Connection, account_id: UUID) -> Victim:
    """Everything that the database knows of somebody."""
    rows = {}
    for table in await tables(owner):
        query = f"SELECT * FROM {table} WHERE account_id = $1 ORDER BY 1, 2"
        rows[table] = await owner.fetch(query, account_id)
    return Victim(account_id, rows)


FILLED = {
    "public.role_grants": "(account_id, role, granted_by) VALUES ($1, 'analyst', $1)",
    "public.api_keys": "(key_id, account_id, secret_hash, hint, name, scopes, created_by)"
    " VALUES (gen_random_uuid(), $1, sha256('secret'), 'pp_live_ab', 'v1.name', '{account}', $1)",
    "public.untold_acts": "(event_id, account_id, value, made_at)"
    " VALUES (gen_random_uuid(), $1, 'act', now() - interval '1 hour')",
    "public.erasures": "(account_id, marks, erased_at)"
    " VALUES ($1, ARRAY[sha256('mark')], now() - interval '1 hour')",
    "public.debts": "(marks, credits, account_id) VALUES (ARRAY[sha256('mark')], 7, $1)",
    "public.exports": "(account_id) VALUES ($1)",
    "public.shares": "(share_id, account_id, generation_id, image_id, code_hash, shows_prompt,"
    " expires_at) SELECT gen_random_uuid(), $1, generation_id, image_id, sha256('code'), true,"
    " now() + interval '1 day' FROM read_v1.images WHERE account_id = $1 LIMIT 1",
    "public.uploads": "(upload_id, account_id, state, content_type, size_bytes, form_until,"
    " expires_at, object_key, clean_type, clean_bytes, width, height, has_alpha, sha256, scan,"
    " completed_at) VALUES (gen_random_uuid(), $1, 'ready', 'image/png', 1, now(),"
    " now() + interval '1 hour', 'uploads/key', 'image/png', 1, 64, 64, false,"
    " 'ab', 'clean', now())",
    "public.webhook_deliveries": "(delivery_id, endpoint_id, account_id, event_id, event_type,"
    " payload) SELECT gen_random_uuid(), endpoint_id, account_id, gen_random_uuid(), 'test',"
    " 'payload' FROM webhook_endpoints WHERE account_id = $1",
    "public.webhook_attempts": "(delivery_id, attempt, account_id)"
    " SELECT delivery_id, 1, account_id FROM webhook_deliveries WHERE account_id = $1",
    "public.bot_dialogues": "(account_id, step, update_id, said, expires_at)"
    " VALUES ($1, 'prompt', 1, 'sealed', now() + interval '1 hour')",
    "public.bot_status_messages": "(generation_id, account_id, chat_id, message_id, language)"
    " VALUES (gen_random_uuid(), $1, -100, 7, 'en')",
    "public.payments_told": "(purchase_id, provider, account_id, pack_id, credits, amount,"
    " currency) VALUES (gen_random_uuid(), 'stars', $1, 'starter', 10, 50, 'XTR')",
    "public.goodwill": "(source_id, account_id, credits, expires_days)"
    " VALUES (gen_random_uuid(), $1, 1, 1)",
    "public.gifts": "(gift_id, account_id, code_hash, credits, expires_at)"
    " VALUES (gen_random_uuid(), $1, sha256('gift'), 3, now() - interval '1 hour')",
    "public.referral_codes": "(account_id, code) VALUES ($1, 'a-friend-s-code')",
    "public.referrals": "(account_id) VALUES ($1)",
    "public.promotion_redemptions": "(promotion_id, mark, account_id)"
    " SELECT promotion_id, sha256('robbed'), $1 FROM promotions LIMIT 1",
    "public.bot_messages": "(message_id, account_id, kind, about, detail)"
    " VALUES (gen_random_uuid(), $1, 'ended', 'generation', '{}')",
    "public.bot_chat_pace": "(account_id, next_at) VALUES ($1, now())",
    "read_v1.batches": "(account_id, batch_id, size, requested_at_ms, log_partition, log_offset)"
    " VALUES ($1, gen_random_uuid(), 1, 1, 0, 0)",
    "read_v1.batch_items": "(account_id, generation_id, batch_id, index)"
    " SELECT account_id, generation_id, gen_random_uuid(), 0 FROM read_v1.generations"
    " WHERE account_id = $1 LIMIT 1",
    "read_v1.preferences": "(account_id, chosen) VALUES ($1, '{}')",
    "read_v1.consents": "(account_id, purpose, version) VALUES ($1, 'terms', '1')",
    "read_v1.telegram_chats": "(account_id, reachable, changed_at_ms, update_id)"
    " VALUES ($1, false, 1, 1)",
    "read_v1.moderation_verdicts": "(account_id, generation_id, stage, index, round, provider,"
    " verdict, reason, list_version, at_ms)"
    " VALUES ($1, (SELECT generation_id FROM read_v1.generations WHERE account_id = $1 LIMIT 1),"
    " 'prompt', -1, 1, 'openai', 'passed', '', '1', 1)",
    "public.appeals": "(appeal_id, account_id, generation_id, reason, body_mac, words)"
    " VALUES (gen_random_uuid(), $1, gen_random_uuid(), 'prohibited', repeat('0', 64), 'v1.x')",
    "read_v1.voids": "(log_partition, log_offset, account_id, reason, value_hash, appended_at_ms)"
    " VALUES (99, 1, $1, 'poison', 'f00d', 1)",
}
"""How a table gets a row of the victim's that the API gave it none."""
OF_NOBODY = (
    "INSERT INTO promotions"
    " (promotion_id, code, credits, redemptions_max, starts_at, ends_at, credits_days)"
    " VALUES (gen_random_uuid(), 'ROBBED', 1, 1, now(), now() + interval '1 day', 1)"
)
"""A row of no account's, which one of the victim's needs."""


async def complete(owner: asyncpg.Connection, account_id: UUID) -> Victim:
    """Give somebody something in every table, and look at all of it."""
    before = (await victim_of(owner, account_id)).rows
    await owner.execute(OF_NOBODY)
    for table, row in FILLED.items():
        if not before[table]:
            await owner.execute(f"INSERT INTO {table} {row}", account_id)
    victim = await victim_of(owner, account_id)
    empty = [table for table, rows in victim.rows.items() if not rows]
    assert empty == [], "say in FILLED what a row of these is"
    return victim


def combinations(
    query: Query, parameters: Sequence[asyncpg.Type], victim: Victim, most: int
) -> Iterator[tuple[Any, ...]]:
    """Arguments for a query, at most so many of them, the same ones in every run."""
    text = _bare(query.text)
    columns = {int(number): column for column, number in _COMPARED.findall(text)}
    inserted = _INSERTED.search(text)
    if inserted is not None:
        values = text[inserted.end() :].split(")")[0].split(",")
        names = [name.strip() for name in inserted[1].split(",")]
        for name, value in zip(names, values, strict=False):
            number = re.fullmatch(r"\s*\$(\d+)(?:::\w+)?\s*", value)
            if number is not None:
                columns.setdefault(int(number[1]), name)
    choices = [
        _choices(one.name, columns.get(place), victim)
        for place, one in enumerate(parameters, start=1)
    ]
    total = 1
    for choice in choices:
        total *= len(choice)
    if total <= most:
        yield from itertools.product(*choices)
        return
    drawing = random.Random(str(query))
    for _ in range(most):
        yield tuple(drawing.choice(choice) for choice in choices)


def _choices(kind: str, column: str | None, victim: Victim) -> list[Any]:
    """Values for one parameter; `None` stands for "no filter" where a query takes it so."""
    array, base = kind.endswith("[]") or kind.startswith("_"), kind.strip("_[]")
    python = {
        "uuid": UUID, "text": str, "varchar": str, "bytea": bytes, "int8": int, "int4": int,
        "int2": int, "bool": bool, "timestamptz": datetime,
    }.get(base)  # fmt: skip
    known = [one for one in victim.by_column.get(column or "", []) if isinstance(one, python or ())]
    if not known and python is not None:
        known = victim.by_type.get(python, [])
    if array:
        return [known[:50]]
    if column == "account_id":
        return [victim.account_id]
    fixed = FIXED.get(base)
    if fixed is not None:
        return fixed
    if python is int:
        largest = {"int2": 2**15 - 1, "int4": 2**31 - 1}.get(base, 2**62)
        return [None, largest, *[one for one in known if one <= largest][:2], 100]
    if python is None:
        return [None]
    limited = known[:VALUES_MAX]
    return limited if python is UUID else [None, *limited]
