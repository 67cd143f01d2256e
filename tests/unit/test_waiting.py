"""`runtime.waiting.until`."""

from __future__ import annotations

import asyncio

import pytest

from runtime.waiting import until


async def test_returns_the_first_true_answer():
    """The condition is asked until it is true, and that answer is returned."""
    answers = iter([None, 0, "yes", "later"])
    assert await until(lambda: next(answers), 5, every_seconds=0) == "yes"


async def test_a_coroutine_function_is_awaited():
    """A condition may be asynchronous."""

    async def condition():
        await asyncio.sleep(0)
        return 7

    assert await until(condition, 5) == 7


async def test_the_error_says_what_was_waited_for():
    """After the deadline the error names what was missing and the last answer."""
    with pytest.raises(TimeoutError, match=r"in vain for the moon \(last answer: 0\)"):
        await until(lambda: 0, 0.01, what="the moon")


async def test_a_condition_that_hangs_is_cancelled():
    """A condition that does not return cannot outlast the deadline."""
    with pytest.raises(TimeoutError, match="a hung condition"):
        await until(asyncio.Event().wait, 0.01, what="a hung condition")


async def test_the_conditions_own_error_gets_through():
    """An exception inside the condition is the caller's, not a reason to go on waiting."""

    def broken():
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await until(broken, 5)
