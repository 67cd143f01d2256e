"""Claims about when a worker counts as stuck."""

from __future__ import annotations

from processors.worker.watchdog import Progress


def look(progress: Progress, *steps: tuple[int, int, float]) -> list[bool]:
    return [progress.stuck(*step) for step in steps]


def test_growing_lag_without_a_finished_job_is_stuck() -> None:
    """Nothing finished for the limit, and more waits than before."""
    progress = Progress(60)
    assert look(progress, (5, 1, 1), (5, 3, 30), (5, 4, 30)) == [False, False, True]


def test_any_finished_job_starts_the_count_anew() -> None:
    """A worker that finishes something is slow, not stuck."""
    progress = Progress(60)
    assert not any(look(progress, *((count, 100 + count, 50.0) for count in range(20))))


def test_an_idle_worker_is_not_stuck() -> None:
    """Where nothing waits, nothing need finish."""
    progress = Progress(60)
    assert not any(look(progress, *((5, 0, 50.0) for _ in range(20))))


def test_a_few_slow_jobs_have_longer() -> None:
    """As long as nobody new waits, a worker has three times the limit; then it is stuck too."""
    progress = Progress(60)
    assert look(progress, (5, 2, 1), (5, 2, 100), (5, 2, 79), (5, 2, 1)) == [
        False,
        False,
        False,
        True,
    ]
