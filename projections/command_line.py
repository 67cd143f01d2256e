"""`pixelpop projections`. Each command imports what it runs, so that starts are short."""

from __future__ import annotations

from cyclopts import App

from runtime.command_line import AsJson, attached, run

projections = App(name="projections", help="The read models in PostgreSQL.")


@projections.command(name="status")
def projections_status(*, json: AsJson = False) -> int:
    """Show each read model: version, position, lag."""
    from projections import admin

    return run(admin.status(attached(), as_json=json))


@projections.command(name="rebuild")
def projections_rebuild(
    name: str | None = None,
    *,
    drop_old: bool = False,
    without_comparison: bool = False,
    json: AsJson = False,
) -> int:
    """Build the read models anew from the log beside the serving ones, compare, and swap.

    Parameters
    ----------
    name
        `read` holds all tables; there is no other.
    drop_old
        Afterwards drop the schemas that do not serve any more.
    without_comparison
        Swap whatever the serving schema holds.
    json
        Print the outcome as JSON.
    """
    from projections import admin

    return run(
        admin.rebuild(
            attached(),
            name,
            drop_old=drop_old,
            without_comparison=without_comparison,
            as_json=json,
        )
    )
