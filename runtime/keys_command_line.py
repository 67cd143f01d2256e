"""`pixelpop keys`. Each command imports what it runs, so that starts are short."""

from __future__ import annotations

from cyclopts import App

from runtime.command_line import AsJson, attached, run, with_secrets

keys = App(name="keys", help="The master keys, which wrap every account's own key.")


@keys.command(name="status")
def keys_status(*, json: AsJson = False) -> int:
    """Show each master key, by its id, and how many accounts' keys it wraps."""
    from runtime import keys_admin

    return run(keys_admin.status(attached(), as_json=json))


@keys.command(name="rotate")
def keys_rotate(*, json: AsJson = False) -> int:
    """Make a new master key and wrap every account's key by it, while everything runs.

    Run again after a crash: it goes on with the rotation that was begun.
    """
    from runtime import keys_admin

    return run(keys_admin.rotate(attached(), as_json=json))


@keys.command(name="rewrap")
def keys_rewrap(*, json: AsJson = False) -> int:
    """Wrap by the current master key what others wrap; for keys that stand in variables."""
    from runtime import keys_admin

    return run(keys_admin.rewrap_all(attached(), as_json=json))


@keys.command(name="retire")
def keys_retire(*, json: AsJson = False) -> int:
    """Destroy the master keys that wrap nothing any more; older backups of keys are shut then."""
    from runtime import keys_admin

    return run(keys_admin.retire(attached(), as_json=json))


@keys.command(name="marks")
def keys_marks() -> int:
    """Print what PIXELPOP_MARKS_KEY must be before PIXELPOP_MASTER_KEY is changed. A secret."""
    from runtime import keys_admin

    return keys_admin.marks(with_secrets())
