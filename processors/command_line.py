"""`pixelpop dlq`. Each command imports what it runs, so that starts are short."""

from __future__ import annotations

from cyclopts import App

from runtime.command_line import AsJson, attached, run

dlq = App(name="dlq", help="What could not be processed.")


@dlq.command(name="list")
def dlq_list(*, json: AsJson = False) -> int:
    """List what could not be processed, the newest last."""
    from processors import dlq_admin

    return run(dlq_admin.show_all(attached(), as_json=json))


@dlq.command(name="show")
def dlq_show(position: str, *, json: AsJson = False) -> int:
    """Show one record: where it came from, the error, the attempts, its bytes.

    Parameters
    ----------
    position
        PARTITION:OFFSET, as `dlq list` prints it.
    json
        Print JSON, for scripts.
    """
    from processors import dlq_admin

    return run(dlq_admin.show_one(attached(), position, as_json=json))


@dlq.command(name="retry")
def dlq_retry(position: str) -> int:
    """Put one record back where it came from.

    Parameters
    ----------
    position
        PARTITION:OFFSET, as `dlq list` prints it.
    """
    from processors import dlq_admin

    return run(dlq_admin.retry(attached(), position))
