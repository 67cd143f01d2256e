"""Threat 39: nobody reads or changes another's rows: by no query, as no role, on no connection."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tests.integration.security import robbery, telling
from tests.integration.security.reach import reach
from tests.integration.security.rights import ASKS, HARMLESS, MAY
from tests.integration.security.robbery import Query, Victim
from tests.integration.security.telling import Prepared, undone

RUNS = {
    "gateway/": "pixelpop_gateway",
    "processors/worker/": "pixelpop_worker",
    "projections/": "pixelpop_projector",
    "projections/audit/": "pixelpop_auditor",
    "processors/eraser/": "pixelpop_eraser",
    "processors/webhooks/": "pixelpop_webhooks",
    "runtime/postgres/key_rotation": "pixelpop_keys",
}
"""Whose queries lie where: those it may run, for its own account and for nobody."""
COMBINATIONS_MAX = 8
"""How many combinations of the victim's values each query is tried with."""
TOLD_TO_THEIR_OWNER = {
    *("public.exports", "public.identities", "public.identity_links", "public.provider_calls"),
    *("public.api_keys", "public.role_grants", "public.webhook_endpoints"),
    *("public.webhook_deliveries", "public.webhook_attempts", "public.goodwill"),
    "public.referral_codes",
    "public.gifts",
    "public.appeals",
    *("public.bot_dialogues", "public.bot_status_messages", "public.shares"),
    "public.uploads",
    *(
        f"read_v1.{name}"
        for name in (
            *("consents", "credit_accounts", "generations", "grants", "images", "ledger"),
            *("moderation_verdicts", "preferences", "purchases", "telegram_chats", "users"),
        )
    ),
}
"""Tables of which the gateway's queries tell the account itself."""


def allowed(role: str, query: Query) -> tuple[frozenset[str], frozenset[str]]:
    """Of which tables a query may tell this role, and which it may change."""
    asked = [asks for name, asks in ASKS[role].items() if f"{name}(" in query.text]
    reads = {table for table, may in MAY[role].items() if may.reach.reads}
    writes = {
        table
        for table, may in MAY[role].items()
        if may.reach.changes or may.reach.adds or may.reach.removes
    }
    # Whoever adds a row is told whether its key is taken.
    return (
        frozenset(reads | writes).union(*(asks.tells for asks in asked)),
        frozenset(writes).union(*(asks.changes for asks in asked)),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def prepared(owner: asyncpg.Connection, victim: Victim) -> list[Prepared]:
    """Every query of the project."""
    return await telling.prepare(owner, robbery.queries(), victim, most=COMBINATIONS_MAX)


async def crossings(
    owner: asyncpg.Connection,
    prepared: list[Prepared],
    victim: Victim,
    role: str,
    *identities: UUID | None,
) -> list[str]:
    """What this role's queries, and everybody else's run by it, tell and change beyond that."""
    found = []
    told = await telling.attempt(owner, prepared, victim, role=role, identities=identities)
    for query, one in told:
        tells, changes = allowed(role, query)
        found += [f"{query} tells of {table}" for table in one.of - tells]
        found += [f"{query} changes {table}" for table in one.changed - changes]
    return found


@pytest.mark.parametrize("role", MAY)
async def test_no_query_crosses_accounts(
    owner: asyncpg.Connection, prepared: list[Prepared], victim: Victim, thief: UUID, role: str
) -> None:
    """Threat 39: every query, as every role, with all of the victim's ids, tells somebody else
    and nobody no more of the victim than the role must know for its work, and changes no more.
    """
    assert await crossings(owner, prepared, victim, role, thief, None) == []


@pytest.mark.parametrize("role", MAY)
async def test_no_statement_crosses_accounts(
    owner: asyncpg.Connection, victim: Victim, thief: UUID, role: str
) -> None:
    """Threat 39: also by statements that the project does not have a role reaches, column by
    column, exactly what the table of rights says.
    """
    agreed = {table: may.reach for table, may in MAY[role].items()}
    for identity in (thief, None):
        assert await reach(owner, victim, role=role, identity=identity) == agreed


@pytest.mark.parametrize("role", MAY)
async def test_functions_are_the_agreed_ones(owner: asyncpg.Connection, role: str) -> None:
    """A function that sees more than its caller is in the table of rights, with its reason."""
    rows = await owner.fetch(
        "SELECT DISTINCT p.proname::text FROM pg_proc AS p WHERE"
        " p.pronamespace IN ('public'::regnamespace, 'read'::regnamespace)"
        " AND has_function_privilege($1, p.oid, 'EXECUTE')",
        role,
    )
    assert {row[0] for row in rows} - HARMLESS == ASKS[role].keys()


async def test_the_same_arguments_find_the_own_rows(
    owner: asyncpg.Connection, prepared: list[Prepared], victim: Victim
) -> None:
    """The proof can fail: what the victim itself asks that way, it is told, table by table."""
    own = [one for one in prepared if one.query.file.startswith("gateway/")]
    tried = await telling.attempt(
        owner, own, victim, role="pixelpop_gateway", identities=[victim.account_id]
    )
    told: set[str] = set().union(*(one.of for _, one in tried))
    assert told >= TOLD_TO_THEIR_OWNER, TOLD_TO_THEIR_OWNER - told


@pytest.mark.parametrize(
    ("role", "hole", "expected"),
    [
        (
            "pixelpop_gateway",
            "CREATE POLICY open ON read_v1.generations FOR SELECT TO pixelpop_gateway USING (true)",
            "tells of read_v1.generations",
        ),
        (
            "pixelpop_gateway",
            "CREATE POLICY open ON webhook_endpoints TO pixelpop_gateway USING (true)",
            "changes public.webhook_endpoints",
        ),
        (
            "pixelpop_gateway",
            "ALTER VIEW read.purchases SET (security_invoker = false)",
            "tells of read_v1.purchases",
        ),
    ],
)
async def test_a_hole_is_found(
    owner: asyncpg.Connection,
    prepared: list[Prepared],
    victim: Victim,
    thief: UUID,
    role: str,
    hole: str,
    expected: str,
) -> None:
    """The proof can fail: a policy, view or function that is too open shows at once."""
    async with undone(owner):
        await owner.execute(hole)
        found = await crossings(owner, prepared, victim, role, thief)
    assert any(expected in one for one in found), found


@pytest.mark.parametrize(
    ("role", "hole"),
    [
        ("pixelpop_eraser", "GRANT SELECT (result) ON provider_calls TO pixelpop_eraser"),
        ("pixelpop_webhooks", "GRANT UPDATE (url) ON webhook_endpoints TO pixelpop_webhooks"),
        ("pixelpop_gateway", "CREATE POLICY open ON api_keys TO pixelpop_gateway USING (true)"),
        ("pixelpop_gateway", "ALTER TABLE read_v1.ledger DISABLE ROW LEVEL SECURITY"),
        ("pixelpop_keys", "GRANT pixelpop_worker TO pixelpop_keys"),
        ("pixelpop_decider", "ALTER TABLE debts OWNER TO pixelpop_decider"),
    ],
)
async def test_a_reach_is_found(
    owner: asyncpg.Connection, victim: Victim, thief: UUID, role: str, hole: str
) -> None:
    """The proof can fail: a right too much shows in what a role reaches."""
    agreed = {table: may.reach for table, may in MAY[role].items()}
    async with undone(owner):
        await owner.execute(hole)
        if "OWNER" in hole:  # an owner whom nothing binds
            await owner.execute("ALTER TABLE debts NO FORCE ROW LEVEL SECURITY")
        assert await reach(owner, victim, role=role, identity=thief) != agreed


async def test_every_process_may_run_its_own_queries(
    owner: asyncpg.Connection, prepared: list[Prepared], victim: Victim
) -> None:
    """Least privilege is enough privilege: no query of a process is denied to its own role."""
    own: dict[str, list[Prepared]] = {role: [] for role in RUNS.values()}
    for one in prepared:
        folders = [folder for folder in RUNS if one.query.file.startswith(folder)]
        # What reads a temporary table that another query makes cannot be run alone.
        if folders and "new_" not in one.query.text:
            own[RUNS[max(folders, key=len)]].append(one)
    refused = {
        role: await telling.refused(owner, each, victim, role=role, identity=victim.account_id)
        for role, each in own.items()
    }
    assert refused == {role: [] for role in own}


async def test_every_table_of_somebodys_is_guarded(owner: asyncpg.Connection) -> None:
    """Also one that is added tomorrow: row-level security is on, and binds its owner too."""
    for table in await robbery.tables(owner):
        row = await owner.fetchrow(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = $1::regclass",
            table,
        )
        assert tuple(row) == (True, True), table


async def test_the_gateways_policies_name_the_account(owner: asyncpg.Connection) -> None:
    """No policy of the gateway lets a row through that is not the account's own."""
    rows = await owner.fetch(
        "SELECT tablename, policyname, qual, with_check FROM pg_policies"
        " WHERE 'pixelpop_gateway' = ANY(roles) OR 'public' = ANY(roles)"
    )
    assert rows
    for row in rows:
        for condition in (row["qual"], row["with_check"]):
            assert condition is None or "account_id = " in condition, tuple(row)
            assert condition is None or "app_account_id()" in condition, tuple(row)
