"""Makes the peer's tables: `python -m benchmarks.peer.tables`."""

from __future__ import annotations

import asyncio

from benchmarks.peer.models import Base, make_engine
from benchmarks.peer.settings import Settings


async def main() -> None:
    """Make what is not there."""
    engine = make_engine(Settings())
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
