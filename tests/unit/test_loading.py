"""What a process loads before it works: not what only others, or other settings, need."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = {"aiogram", "redis", "faust", "litestar", "stripe", "openai"}
"""Each takes from a fifth of a second to several seconds to load."""


@pytest.mark.parametrize(
    ("module", "needs"),
    [
        ("gateway.main", {"litestar"}),
        ("processors.decider.main", set()),
        ("processors.eraser.main", set()),
        ("processors.messages.main", {"faust"}),
        ("processors.webhooks.main", {"faust"}),
        ("processors.worker.main", {"faust", "redis"}),  # the circuit breakers' library loads it
        ("projections.main", set()),
        ("projections.audit.main", set()),
    ],
)
def test_nothing_slow_is_loaded_in_vain(module: str, needs: set[str]) -> None:
    """Without a bot, Redis, Stripe or OpenAI, no process waits for their libraries."""
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert set(done.stdout.decode().split()) & SLOW == needs
