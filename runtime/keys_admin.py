"""`pixelpop keys`: a new master key, and every account's key wrapped by it, while all runs."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from runtime.command_line import EXIT_FAILED, print_json
from runtime.crypto.key_file import KeyFile
from runtime.crypto.master import MasterKeys, master_keys
from runtime.errors import SettingsError
from runtime.postgres.key_rotation import Rewrapped, count_by_master, rewrap
from runtime.secrets import secrets_path
from runtime.settings import Settings


class MasterKeyUse(msgspec.Struct, frozen=True):
    """One master key, by its id, which is no secret."""

    id: str
    state: str
    """`current`; `opens` what it wrapped; `missing`: it wraps keys and is not at hand."""
    accounts: int
    """How many accounts' keys it wraps."""


async def status(settings: Settings, *, as_json: bool) -> int:
    """Show the master keys and what each of them wraps; fails where one is missing."""
    uses = await _uses(settings, master_keys(settings))
    if as_json:
        print_json(uses)
    else:
        for use in uses:
            sys.stdout.write(f"{use.id}  {use.state:<8} {use.accounts} accounts\n")
    return EXIT_FAILED if any(use.state == "missing" for use in uses) else 0


async def rotate(settings: Settings, *, as_json: bool) -> int:
    """Make a new master key and wrap every account's key by it; or end a rotation that was cut.

    Raises:
        SettingsError: the keys stand in variables, which a command cannot change.
    """
    file = _file(settings)
    masters = master_keys(settings)
    uses = await _uses(settings, masters)
    if any(use.state == "opens" and use.accounts for use in uses):
        _say("The rotation before this one is not finished: it is finished first, no key is made.")
    else:
        file.rotate()
        masters = master_keys(settings)
    return await _rewrap(settings, masters, as_json=as_json)


async def rewrap_all(settings: Settings, *, as_json: bool) -> int:
    """Wrap by the current master key what others wrap: after it was changed in the variables."""
    return await _rewrap(settings, master_keys(settings), as_json=as_json)


async def retire(settings: Settings, *, as_json: bool) -> int:
    """Destroy the master keys that wrap nothing any more; no backup from before opens then."""
    file = _file(settings)
    uses = await _uses(settings, master_keys(settings))
    gone = file.retire(use.id for use in uses if use.state == "opens" and not use.accounts)
    if as_json:
        print_json(gone)
    else:
        sys.stdout.write("".join(f"{one} is gone\n" for one in gone) or "None is unused.\n")
    return 0


def marks(settings: Settings) -> int:
    """Print what PIXELPOP_MARKS_KEY must be before PIXELPOP_MASTER_KEY is changed. A secret."""
    sys.stdout.write(base64.b64encode(master_keys(settings).mark_key).decode() + "\n")
    return 0


async def _rewrap(settings: Settings, masters: MasterKeys, *, as_json: bool) -> int:
    current = masters.current
    uses = await _uses(settings, masters)
    total = sum(use.accounts for use in uses if use.id != current.id)
    with _progress(total) as advance:
        outcome = await rewrap(_database(settings), masters, progress=advance)
    left = sum(
        count
        for key_id, count in (await count_by_master(_database(settings))).items()
        if key_id != current.id
    )
    _tell(current.id, outcome, left, as_json=as_json)
    return EXIT_FAILED if left else 0


def _tell(current_id: str, outcome: Rewrapped, left: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"current": current_id, **outcome._asdict(), "left": left})
        return
    sys.stdout.write(f"{current_id} wraps {outcome.rewrapped} more accounts' keys.\n")
    if outcome.not_opened:
        _say(f"{outcome.not_opened} did not open: a master key is missing, or they are damaged.")
    elif left:
        _say(f"{left} came meanwhile; run `pixelpop keys rewrap`.")


async def _uses(settings: Settings, masters: MasterKeys) -> list[MasterKeyUse]:
    counts = await count_by_master(_database(settings))
    current = masters.current
    uses = [MasterKeyUse(current.id, "current", counts.pop(current.id, 0))]
    uses += [MasterKeyUse(key.id, "opens", counts.pop(key.id, 0)) for key in masters.others]
    return uses + [MasterKeyUse(key_id, "missing", count) for key_id, count in counts.items()]


def _file(settings: Settings) -> KeyFile:
    path = secrets_path(settings)
    file = KeyFile(path) if path is not None else None
    if file is None or file.keys() is None or not file.knows(settings.master_key):
        raise SettingsError(
            "The master key stands in PIXELPOP_MASTER_KEY, where no command can change it: follow "
            "docs/security.md, or keep it in PIXELPOP_SECRETS_FILE."
        )
    return file


def _database(settings: Settings) -> str:
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set; it must be the owner's.")
    return settings.database_url


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Wrapping keys anew", total=total)
        yield lambda count: bar.advance(task, count)
