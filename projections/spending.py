"""What providers cost, as rows: each result's calls, and each call that may have been paid.

A result counts here whether or not it counts for the credits: one that came after its settlement
was paid all the same. Of a fact that is told again the first counts.
"""

from __future__ import annotations

from pathlib import Path

import asyncpg
import msgspec
from msgspec.structs import astuple

from events.generations import GenerationCompleted, GenerationFailed, ProviderCallUncertain
from projections.rows import put
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("spending.sql"))
Costing = GenerationCompleted | GenerationFailed | ProviderCallUncertain
"""The facts that say what was spent."""


class CostRow(msgspec.Struct, gc=False):
    """What one fact says was spent; the fields are the table's columns in order."""

    generation_id: str
    step: str
    provider: str
    model: str
    cost_micros: int
    pictures: int
    made_ms: int
    at_ms: int


class Costs:
    """What one batch adds."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], CostRow] = {}

    def take(self, event: Costing, at_ms: int) -> None:
        """Note what a fact says."""
        pictures = made_ms = 0
        match event:
            case GenerationCompleted():
                step, pictures, made_ms = "completed", len(event.images), event.made_ms
            case GenerationFailed():
                step = "failed"
                if not event.cost_micros:
                    return
            case ProviderCallUncertain():
                step = f"uncertain:{event.attempt}"
        row = CostRow(
            *(event.generation_id, step, event.provider, event.model),
            *(event.cost_micros, pictures, made_ms, at_ms),
        )
        self.rows.setdefault((row.generation_id, row.step), row)

    async def write(self, connection: asyncpg.Connection) -> None:
        """Put the batch's rows into the table."""
        rows = list(map(astuple, self.rows.values()))
        await put(connection, QUERIES, "add", "provider_costs", rows)
