"""Prompts that the word lists judge per second, beside one look for one word.

Ours: `judge` as a submission calls it, on prompts of 500 characters in several scripts. Bare: the
lower-casing and splitting into words that no list can do without, and one set intersection. All in
this process, in one thread, on several texts in turn.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks import table
from benchmarks.measuring import Figures, Subject, interleave
from benchmarks.table import Row
from commands.moderation import judge

CHARACTERS: Final = 500
MEDIAN_MICROSECONDS_MAX: Final = 200
ROUNDS: Final = 7
"""Measurements in one repeat, of which the fastest counts: the rest is what else happens here."""
_SENTENCES: Final = (
    "a quiet harbour at dawn, small boats, soft light over the water, gulls, golden hour, 4k; ",
    "тихая гавань на рассвете, маленькие лодки, мягкий свет над водой и чайки в небе; ",
    "un port tranquille à l'aube, de petits bateaux, une lumière douce sur l'eau; ",
    "清晨安静的港口,小船,柔和的光线洒在水面上,海鸥在天空中飞翔,细节丰富。",
)
PROMPTS: Final = tuple((one * CHARACTERS)[:CHARACTERS] for one in _SENTENCES)
_ONE_WORD: Final = frozenset({"forbidden"})


def make_rows() -> list[Row]:
    """The empty row."""
    return [
        Row(
            "moderation_words",
            "prompts judged by the word lists",
            "per second",
            raw_is="lower-casing, splitting into words and one set intersection",
            target=f"≥ {1_000_000 // MEDIAN_MICROSECONDS_MAX:,} (≤ {MEDIAN_MICROSECONDS_MAX} µs)",
        )
    ]


async def measure(repeats: int, seconds: float) -> list[Row]:
    """The row: `repeats` times ours and bare in turn, each for about `seconds`."""
    (row,) = make_rows()
    await interleave(
        [row],
        repeats,
        ours=_told(row, lambda: _rate(judge, PROMPTS, seconds)),
        raw=_told(row, lambda: _rate(_bare, PROMPTS, seconds)),
    )
    for prompt in PROMPTS:
        median = median_microseconds(prompt, seconds / len(PROMPTS))
        row.note(f"“{prompt[:20]}…”: {table.number(median)} µs, median")
    return [row]


def median_microseconds(prompt: str, seconds: float) -> float:
    """How long one judgement takes, the median of as many as fit."""
    took: list[float] = []
    until = time.perf_counter() + seconds
    while not took or time.perf_counter() < until:
        began = time.perf_counter()
        judge(prompt)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e6


def _bare(prompt: str) -> bool:
    return not _ONE_WORD.isdisjoint(prompt.lower().split())


def _told(row: Row, rate: Callable[[], float]) -> Subject:
    async def subject() -> Figures:
        return {row.key: rate()}

    return subject


def _rate(call: Callable[[str], object], given: Sequence[str], seconds: float) -> float:
    """Calls per second: the best of some rounds."""
    count = len(given)
    while _seconds(call, given, count) < seconds / ROUNDS / 2:
        count *= 2
    return max(count / _seconds(call, given, count) for _ in range(ROUNDS))


def _seconds(call: Callable[[str], object], given: Sequence[str], count: int) -> float:
    turns = list(itertools.islice(itertools.cycle(given), count))
    began = time.perf_counter()
    for one in turns:
        call(one)
    return time.perf_counter() - began
