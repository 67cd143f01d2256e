"""The `pixelpop` command: wiring only. Each command imports what it runs, so that starts are short.

Exit statuses: 0 done; 1 it failed, or what it checks is not as it should be; 2 the command line is
wrong; 78 it cannot start as configured, and the sentence on stderr says what to change.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from gateway.money.command_line import audit
from gateway.telegram.command_line import telegram
from processors.command_line import dlq
from processors.moderation_command_line import moderation
from projections.command_line import projections
from runtime import command_line
from runtime.command_line import EXIT_FAILED, AsJson, attached, print_json, run
from runtime.errors import StartError
from runtime.keys_command_line import keys

if TYPE_CHECKING:
    from runtime.preparing import Plan
    from runtime.settings import Settings

COPIES_MAX = 16
PROJECT = Path(__file__).parent

app = App(
    name="pixelpop",
    help="Sells AI images inside a Telegram MiniApp; everything stands on one Kafka log.",
    version="0.1.0",
    result_action="return_value",
)
schemas = App(name="schemas", help="The generated JSON Schemas of every event.")
for group in (projections, dlq, schemas, audit, keys, telegram, moderation):
    app.command(group)

Copies = Annotated[int, Parameter(help="How many copies of it to run.")]


def main() -> None:
    """Run the command line."""
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    return command_line.execute(app, arguments)


@app.command
def up(*, workers: Copies = 1, deciders: Copies = 1, projectors: Copies = 1) -> int:
    """Start everything and keep it running: servers that no setting names, and all processes."""
    from rich.console import Console

    from runtime import process
    from runtime.up import Up

    copies = {"worker": workers, "decider": deciders, "projector": projectors}
    if not all(1 <= count <= COPIES_MAX for count in copies.values()):
        raise StartError(f"There can be 1 to {COPIES_MAX} copies of a process.")

    async def start(settings: Settings, stop: asyncio.Event) -> None:
        await Up(settings, _plan(), copies, console=Console()).run(stop)

    return process.run("up", start, resolve=False)


@app.command
def gateway() -> int:
    """Run the HTTP front door."""
    from gateway.main import main as run_gateway
    from runtime import process

    return process.run("gateway", run_gateway)


@app.command
def decider() -> int:
    """Run the only author of money and admission."""
    from processors.decider.main import main as run_decider
    from runtime import process

    return process.run("decider", run_decider)


@app.command
def worker() -> int:
    """Run the Faust worker that makes the pictures."""
    from processors.worker.main import run as run_worker
    from runtime import process

    return process.run_blocking("worker", run_worker)


@app.command
def webhooks() -> int:
    """Run the process that tells API customers' servers what happened."""
    from processors.webhooks.main import run as run_webhooks
    from runtime import process

    return process.run_blocking("webhooks", run_webhooks)


@app.command
def messages() -> int:
    """Run the process that writes to people in the bot's chats: results, refunds, expiry."""
    from processors.messages.main import run as run_messages
    from runtime import process

    return process.run_blocking("messages", run_messages)


@app.command
def auditor() -> int:
    """Run the process that compares the books with what payment providers say."""
    from projections.audit.main import main as run_auditor
    from runtime import process

    return process.run("auditor", run_auditor)


@app.command
def projector() -> int:
    """Run the process that folds the log into PostgreSQL's tables."""
    from projections.main import main as run_projector
    from runtime import process

    return process.run("projector", run_projector)


@app.command
def eraser() -> int:
    """Run the process that finishes erasures: keys, links to people, objects and rows."""
    from processors.eraser.main import main as run_eraser
    from runtime import process

    return process.run("eraser", run_eraser)


@app.command
def migrate(*, logins: bool = False) -> int:
    """Make tables, topics and bucket where they are missing; harmless to repeat.

    `up` does it by itself. With outside servers DATABASE_URL must be the owner's.

    Parameters
    ----------
    logins
        Renew the processes' database logins too, and print each one's DATABASE_URL as JSON.
        Processes that run with the old ones can make no new connections.
    """
    from runtime import data_lock
    from runtime.preparing import prepare

    settings = attached()
    if logins and data_lock.holder(settings.data_dir) is not None:
        raise StartError(
            "`pixelpop up` runs here and has its logins; stop it before renewing them."
        )
    urls = run(prepare(settings, _plan(), logins=logins))
    if logins:
        print_json(urls)
    else:
        sys.stdout.write("Database, topics and bucket are up to date.\n")
    return 0


@app.command
def ps(*, json: AsJson = False) -> int:
    """Show the processes of the `up` that runs on this data directory."""
    from runtime.ps import processes, show
    from runtime.settings import load

    rows = processes(load().data_dir)
    if json:
        print_json(rows)
    else:
        show(rows)
    return 0 if rows else EXIT_FAILED


@app.command
def doctor(*, json: AsJson = False) -> int:
    """Check settings, programs, disk, ports, servers and clock; say what to do about each fault."""
    from gateway.operations.drawers import providers
    from processors.eraser.checkup import accounts
    from runtime.doctor import diagnose, show

    checks = run(diagnose(_plan(), [("accounts", accounts), ("providers", providers)]))
    if json:
        print_json(checks)
    else:
        show(checks)
    return EXIT_FAILED if any(check.state == "fail" for check in checks) else 0


@app.command(name="init-data")
def init_data(*, user: int, first_name: str = "Developer", username: str | None = None) -> int:
    """Print Telegram init data for a user, signed with this installation's bot token.

    Parameters
    ----------
    user
        Telegram's id of the user, any positive number.
    first_name
        The name that the MiniApp would show.
    username
        Telegram's user name, without @.
    """
    import time

    from gateway.identity.init_data import sign_init_data

    token = command_line.with_secrets().telegram_bot_token
    assert token is not None
    person: dict[str, object] = {"id": user, "first_name": first_name, "language_code": "en"}
    if username:
        person["username"] = username
    sys.stdout.write(f"{sign_init_data(token, person, int(time.time()))}\n")
    return 0


@schemas.command(name="generate")
def schemas_generate() -> int:
    """Write the JSON Schema and a golden record of every event into schemas/."""
    from events import schemas as generator

    problems = generator.generate(PROJECT / "schemas")
    return command_line.report_problems(problems, "schemas/ is current.")


@schemas.command(name="check")
def schemas_check() -> int:
    """Compare the event types with schemas/; a change that breaks reading the old log fails."""
    from events import schemas as generator

    problems = generator.check(PROJECT / "schemas")
    return command_line.report_problems(problems, "schemas/ is current and reads every old log.")


def _plan() -> Plan:
    from events.topics import TOPICS
    from runtime.kafka.topics import TopicSpec
    from runtime.preparing import Plan

    specs = [TopicSpec(name=topic.name, retention_ms=topic.retention_ms) for topic in TOPICS]
    return Plan(PROJECT / "deploy" / "migrations", specs)


if __name__ == "__main__":
    main()
