"""The benchmark of the word lists measures something."""

from __future__ import annotations

from benchmarks.rows import moderation


async def test_both_sides_are_measured() -> None:
    """The row gets a rate of ours and of the bare work in every repeat, and medians by script."""
    (row,) = await moderation.measure(2, 0.01)
    assert len(row.ours) == len(row.raw) == 2
    assert min(*row.ours, *row.raw) > 0
    assert len(row.notes) == len(moderation.PROMPTS)
