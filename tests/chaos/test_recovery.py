"""How a run times the jobs of killed workers."""

from __future__ import annotations

from tests.chaos.evidence import Call
from tests.chaos.faults import Fault
from tests.chaos.quiet import first, quiet_run
from tests.chaos.recovery import resumed


def test_a_killed_call_is_timed_until_somebody_goes_on() -> None:
    """Resumption counts from the kill, undisturbed from a later fault of a server before it."""
    run = quiet_run()
    which = run.verdict.generations[first(run, "done")]
    which.result_at_ms, which.moments_ms = 40_000, [3_000, 31_000, 40_000]
    killed = Call(first(run, "done"), 2, 5.0, 10.0, "aborted")
    faults = [Fault(10.0, 10.0, "worker", "kill", 1), Fault(25.0, 25.0, "kafka", "kill", 0)]
    faults.append(Fault(28.0, 28.0, "worker", "kill", 0))
    (one,) = resumed(run.verdict, [killed], faults)
    assert (one.seconds, one.undisturbed_seconds) == (21.0, 6.0)


def test_a_killed_call_that_nobody_minds_is_never_resumed() -> None:
    """Without a later call or word of a worker there is no time to tell."""
    run = quiet_run()
    which = run.verdict.generations[first(run, "done")]
    which.result_at_ms, which.moments_ms = 0, [3_000]
    killed = Call(first(run, "done"), 2, 5.0, 10.0, "aborted")
    (one,) = resumed(run.verdict, [killed], [])
    assert one.seconds is None
