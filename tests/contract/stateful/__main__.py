"""The long form: `python -m tests.contract.stateful --examples 100 --scenarios 200`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import structlog
import uvloop

from tests import servers as test_servers
from tests.contract.stateful.walking import served, walk
from tests.contract.stateful.world import a_town


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


async def _run(given: argparse.Namespace, folder: Path) -> int:
    findings = 0
    async with test_servers.running(folder) as servers:
        await test_servers.prepare(servers)
        assert servers.database_url is not None
        await test_servers.migrate_template(servers.database_url)
        async with a_town(servers) as town:
            contract = await asyncio.to_thread(served, town)
            for role in given.only.split(",") if given.only else town.roles:
                began = time.monotonic()
                seen = await asyncio.to_thread(
                    walk,
                    town,
                    role,
                    contract,
                    examples=given.examples,
                    scenarios=given.scenarios,
                    seed=given.seed,
                )
                by_status = Counter[int]()
                for (_, status), count in seen.answers.items():
                    by_status[status] += count
                _say(
                    f"{role}: {sum(by_status.values())} requests to",
                    f"{len({operation for operation, _ in seen.answers})} operations in",
                    f"{time.monotonic() - began:.0f} s,",
                    f"{sum(seen.followed.values())} of them by links,",
                    f"{len(seen.findings)} findings;",
                    dict(sorted(by_status.items())),
                )
                for one in seen.findings.values():
                    _say(f"  {one.operation}: {one.title}\n{one.text}\n")
                findings += len(seen.findings)
    return 1 if findings else 0


def main() -> int:
    """Walk as everybody; the exit status is 1 where the contract was broken."""
    asked = argparse.ArgumentParser(prog="python -m tests.contract.stateful", description=__doc__)
    asked.add_argument("--examples", type=int, default=60, help="of each operation, for each role")
    asked.add_argument("--scenarios", type=int, default=100, help="for each role")
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    asked.add_argument("--only", metavar="ROLE,…", help="not all roles")
    given = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    _say(f"seed {given.seed}")
    with tempfile.TemporaryDirectory(prefix="pixelpop-walk-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL is another user, and must get in
        return uvloop.run(_run(given, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
