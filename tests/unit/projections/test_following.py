"""How long a projector lets the next batch gather."""

from __future__ import annotations

from projections.following import PAUSE_SECONDS_MAX, pause_seconds
from runtime.settings import Settings

_SETTINGS = Settings()


def test_a_lone_event_is_written_at_once() -> None:
    """With little going on nobody waits for a batch to fill."""
    assert pause_seconds(_SETTINGS, 1) < 0.001


def test_under_load_batches_gather_up_to_a_bound() -> None:
    """At a steady rate above the threshold each batch lets more gather, but never for longer."""
    assert _in_the_end(4_500) == PAUSE_SECONDS_MAX


def test_a_busy_moment_passes() -> None:
    """At a rate below it pauses shrink again, until records are written as they come."""
    assert _in_the_end(1_000) < 0.001


def test_who_is_behind_does_not_pause() -> None:
    """A full batch says that there is more already."""
    assert pause_seconds(_SETTINGS, _SETTINGS.projection_batch_events) == 0.0


def _in_the_end(per_second: int) -> float:
    """The pause that a steady rate leads to, from one in between."""
    pause = PAUSE_SECONDS_MAX / 2
    for _ in range(20):
        pause = pause_seconds(_SETTINGS, int(per_second * pause))
    return pause
