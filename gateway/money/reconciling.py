"""`pixelpop audit reconcile`: what a person sees of the comparison, and may mend by it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.prompt import Confirm
from rich.table import Table

from gateway.money.mending import Mending, mendable
from projections.audit.reconciling import Compared, Outcome, Progress, reconcile, tell
from projections.audit.rows import Difference
from runtime.command_line import EXIT_FAILED, print_json
from runtime.errors import PixelpopError, StartError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.postgres.pool import Pool, open_pool
from runtime.settings import Settings
from runtime.stripe.api import open_stripe

EXIT_UNKNOWN: Final = 3
"""It could not be compared."""
NOBODY: Final = "No payment provider is set up: there is nothing to compare with.\n"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison as scripts see it."""

    compared: tuple[Compared, ...]
    appended: int = 0
    """How many of the differences the log now has the missing fact of."""


async def run(settings: Settings, *, append_missing: bool, yes: bool, as_json: bool) -> int:
    """Compare, tell the log what is new, show it, and append what is missing if that is wanted.

    Returns:
        The exit status: 0 nothing differs (any more), 1 something does, 3 it is not known.
    """
    try:
        return await _run(settings, append_missing=append_missing, yes=yes, as_json=as_json)
    except StartError:
        raise
    except PixelpopError as error:
        sys.stderr.write(f"The books could not be compared: {error}\n")
        return EXIT_UNKNOWN


async def _run(settings: Settings, *, append_missing: bool, yes: bool, as_json: bool) -> int:
    async with _parts(settings) as (pool, log):
        with _progress() as progress:
            outcome = await reconcile(settings, pool, progress)
        await tell(pool, log, outcome.differences)
        missing = mendable(outcome.differences)
        if not as_json:
            _show(outcome)
        appended = 0
        if append_missing and missing and (yes or _agreed(missing)):
            appended = await _mend(settings, pool, log, outcome)
        if as_json:
            print_json(Shown(compared=outcome.compared, appended=appended))
        elif appended:
            sys.stdout.write(
                f"{appended} were appended. The ledger follows in a moment: compare again.\n"
            )
        left = len(outcome.differences) - appended
    return EXIT_FAILED if left else 0


async def _mend(settings: Settings, pool: Pool, log: LogProducer, outcome: Outcome) -> int:
    async with AsyncExitStack() as stack:
        stripe = open_stripe(settings) if settings.stripe_secret_key else None
        if stripe is not None:
            stack.push_async_callback(stripe.stop)
        return await Mending(settings, pool, log, stripe).mend(outcome)


@asynccontextmanager
async def _parts(settings: Settings) -> AsyncIterator[tuple[Pool, LogProducer]]:
    pool = await open_pool(settings, application_name="pixelpop audit")
    log = LogProducer(settings, clock=BrokerClock(), role="audit")
    try:
        await log.start()
        yield pool, log
    finally:
        await log.stop()
        await pool.close()


def _agreed(missing: list[Difference]) -> bool:
    console = Console(stderr=True)
    return Confirm.ask(f"Append what is missing of {len(missing)} payments?", console=console)


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("asking", total=None)
        yield lambda what, count: bars.update(task, description=f"{what}: {count:,} read")


def _show(outcome: Outcome) -> None:
    console = Console(highlight=False)
    if not outcome.compared:
        sys.stdout.write(NOBODY)
    for one in outcome.compared:
        console.print(
            f"{one.provider}: {one.payments:,} payments and {one.refunds:,} refunds there, "
            f"{one.purchases:,} purchases here, {len(one.differences):,} differences."
        )
    if not outcome.differences:
        return
    table = Table(box=None, pad_edge=False)
    for title in ("provider", "kind", "reference", "amount", "expected", "account"):
        table.add_column(title, overflow="fold")
    for found in outcome.differences:
        table.add_row(
            found.provider,
            found.kind,
            found.reference or found.purchase_id,
            _price(found.amount, found.currency),
            _price(found.expected_amount, found.expected_currency),
            found.account_id or "",
        )
    console.print(table)


def _price(amount: int | None, currency: str | None) -> str:
    return "" if amount is None else f"{amount} {currency}"
