"""Commands accepted per second, and how long one waits for its decision.

Ours runs as a whole: gateway, decider and projector, so that what is accepted is decided and can
be read; the worker is off on both sides, or its pictures would be what is measured. Every run has
new accounts, each asking five times, which is what the per-account limit admits at once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

import structlog

from benchmarks import accounts, load
from benchmarks.children import answers_http
from benchmarks.load import Outcome, Target
from benchmarks.measuring import Figures, interleave
from benchmarks.peer_stack import Peer
from benchmarks.table import Row
from benchmarks.world import World
from events.ids import AccountId
from gateway.identity.tokens import API, Tokens
from runtime.kafka.topics import TopicSpec, ensure_topics
from runtime.ports import free_port

log = structlog.get_logger(__name__)

CONNECTIONS = 256
REQUESTS_PER_SECOND_MAX = 8_000
"""How many requests are prepared for each second of a run: more than any side answers."""

LATENCY_PER_SECOND = 100
CPU_MS_SHOWN = 0.02
TOKEN_SECONDS = 24 * 3600


class Commands:
    """The three sides under the same load.

    Args:
        world: ours, with gateway, decider and projector running.
        gateway: where ours answers.
        peer: the peer, running; None when it cannot.
        seconds: how long a run takes.
    """

    def __init__(self, world: World, gateway: Target, peer: Peer | None, seconds: float) -> None:
        self._world = world
        self._gateway = gateway
        self._peer = peer
        self._seconds = seconds
        self._tokens = Tokens(str(world.settings.jwt_secret))
        self._peer_tokens: list[str] = []
        self._bare = Target(0)
        self._append = Target(0)
        self.cpu: dict[str, str] = {}
        """By side: what its processes used, in milliseconds of processor time per command."""

    async def start_raw(self) -> None:
        """The raw limits' servers: Granian with one worker each, as ours."""
        spec = TopicSpec(name="raw-append", retention_ms=3_600_000)
        await ensure_topics(self._world.settings, [spec])
        self._bare = await self._granian("raw-asgi", "benchmarks.raw.asgi:app")
        self._append = await self._granian("raw-litestar", "benchmarks.raw.litestar_append:app")

    async def _granian(self, name: str, app: str) -> Target:
        target = Target(free_port())
        environment = {
            "RAW_KAFKA": str(self._world.settings.kafka_bootstrap_servers),
            "RAW_TOPIC": "raw-append",
            "RAW_AUDIENCE": API,
            "RAW_JWT_SECRET": str(self._world.settings.jwt_secret),
        }
        await self._world.children.start_python(
            name,
            [
                "-m",
                "granian",
                app,
                "--interface",
                "asgi",
                "--port",
                str(target.port),
                "--loop",
                "uvloop",
                "--workers",
                "1",
                "--log-level",
                "warning",
            ],
            {**self._world.environment(), **environment},
        )
        await self._world.children.ready(name, lambda: answers_http(target.port))
        return target

    # Throughput.

    async def ours_wait(self) -> Figures:
        """Accepted per second, each with its decision."""
        return {"commands_wait": self._accepted("ours", await self._ours("ours", {}))}

    async def ours_async(self) -> Figures:
        """Accepted per second with `Prefer: respond-async`."""
        side = "ours, respond-async"
        outcome = await self._ours(side, {"Prefer": "respond-async"})
        return {"commands_async": self._accepted(side, outcome)}

    async def raw(self) -> Figures:
        """What the parts can do at most."""
        token = self._tokens.issue(AccountId(str(uuid.uuid4())), TOKEN_SECONDS)
        made = _requests([token], self._most(), {})
        kept = list(made)
        bare = await self._run(self._bare, kept)
        appended = await self._run(self._append, kept)
        rate = self._accepted("litestar", appended)
        return {"bare": bare.per_second, "commands_wait": rate, "commands_async": rate}

    async def peer(self) -> Figures:
        """The peer, which always decides before it answers."""
        requests = await self._peer_requests(self._most())
        before = self._world.cpu_seconds()
        outcome = await self._run(self._peer_target, requests)
        self._note_cpu("peer", before, outcome)
        rate = self._accepted("peer", outcome)
        return {"commands_wait": rate, "commands_async": rate}

    async def peer_with_two_processes(self) -> float:
        """The peer with a process for each core of a small machine; for the notes."""
        assert self._peer is not None
        await self._peer.start_front_door(2)
        outcome = await self._run(self._peer_target, await self._peer_requests(self._most()))
        await self._peer.start_front_door(1)
        return self._accepted("peer, two processes", outcome)

    # Latency.

    async def ours_latency(self) -> Figures:
        """POST to 202 with the decision at a fixed rate."""
        requests = await self._our_requests(self._latency_count(), {})
        outcome = await load.open_loop(self._gateway, requests, per_second=LATENCY_PER_SECOND)
        await self._world.drained()
        return _percentiles("ours", outcome)

    async def peer_latency(self) -> Figures:
        """The same of the peer."""
        requests = await self._peer_requests(self._latency_count())
        outcome = await load.open_loop(self._peer_target, requests, per_second=LATENCY_PER_SECOND)
        return _percentiles("peer", outcome)

    # Parts.

    @property
    def _peer_target(self) -> Target:
        assert self._peer is not None
        return self._peer.target

    def _most(self) -> int:
        return int(self._seconds * REQUESTS_PER_SECOND_MAX)

    def _latency_count(self) -> int:
        return int(self._seconds * LATENCY_PER_SECOND)

    async def _ours(self, side: str, headers: dict[str, str]) -> Outcome:
        requests = await self._our_requests(self._most(), headers)
        before = self._world.cpu_seconds()
        outcome = await self._run(self._gateway, requests)
        await self._world.drained()
        self._note_cpu(side, before, outcome)
        return outcome

    def _note_cpu(self, side: str, before: dict[str, float], outcome: Outcome) -> None:
        """What each process used for a command, projecting it included."""
        used = {
            name: 1000 * (now - before.get(name, 0.0)) / max(1, outcome.total)
            for name, now in self._world.cpu_seconds().items()
        }
        shown = [f"{name} {ms:.2f}" for name, ms in used.items() if ms >= CPU_MS_SHOWN]
        self.cpu[side] = f"{sum(used.values()):.2f} ({', '.join(shown)})"

    async def _run(self, target: Target, requests: Sequence[bytes]) -> Outcome:
        return await load.closed_loop(
            target, requests, connections=CONNECTIONS, seconds=self._seconds
        )

    async def _our_requests(self, count: int, headers: dict[str, str]) -> list[bytes]:
        """Requests of new accounts whose credits are granted, in the order in which they are sent.

        An account asks five times with others in between, so few ask at the same instant.
        """
        needed = -(-count // accounts.GENERATIONS_EACH)
        made = await accounts.make_accounts(
            self._world.settings, self._world.owner_url, self._world.producer, needed
        )
        await self._world.drained()
        tokens = [self._tokens.issue(AccountId(str(one.account_id)), TOKEN_SECONDS) for one in made]
        return list(_requests(tokens, count, headers))

    async def _peer_requests(self, count: int) -> list[bytes]:
        assert self._peer is not None
        needed = -(-count // accounts.GENERATIONS_EACH)
        if len(self._peer_tokens) < needed:
            self._peer_tokens += await self._peer.make_accounts(needed - len(self._peer_tokens))
        return list(_requests(self._peer_tokens[:needed], count, {}))

    def _accepted(self, side: str, outcome: Outcome) -> float:
        if outcome.unexpected or outcome.lost:
            log.warning(
                "not all were accepted",
                side=side,
                statuses=dict(outcome.statuses),
                lost=outcome.lost,
                first=outcome.unexpected.decode(errors="replace"),
            )
        return outcome.accepted_per_second()


def _requests(tokens: Sequence[str], count: int, headers: dict[str, str]) -> Iterator[bytes]:
    """In groups of 500 accounts, each group taking turns five times: mixed, but few at once."""
    group = 500
    made = 0
    while True:
        for start in range(0, len(tokens), group):
            for _ in range(accounts.GENERATIONS_EACH):
                for token in tokens[start : start + group]:
                    if made == count:
                        return
                    made += 1
                    yield generation_request(token, headers)


def generation_request(token: str, headers: dict[str, str]) -> bytes:
    """One POST /generations with a new idempotency key."""
    about = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4()), **headers}
    return load.request("POST", "/generations", about, accounts.BODY)


def _percentiles(side: str, outcome: Outcome) -> Figures:
    if outcome.unexpected:
        log.warning("not all were accepted", side=side, first=outcome.unexpected)
    return {"latency_p50": outcome.percentile_ms(0.5), "latency_p99": outcome.percentile_ms(0.99)}


def make_rows() -> list[Row]:
    """The empty rows."""
    append = "Litestar on Granian: JWT, body decoded, one acked append; no domain"
    return [
        Row(
            "commands_wait", "commands accepted, with decision", "per second", append, "≥ 4 x peer"
        ),
        Row(
            "commands_async", "commands accepted, respond-async", "per second", append, "≥ 6 x peer"
        ),
        Row("bare", "HTTP alone", "per second", "bare ASGI on Granian, echoing the body"),
        Row("latency_p50", "POST to 202 at 100/s, p50", "ms", "", "≤ 15 ms", more_is_better=False),
        Row("latency_p99", "POST to 202 at 100/s, p99", "ms", "", "", more_is_better=False),
    ]


async def measure(sides: Commands, repeats: int, *, with_peer: bool) -> list[Row]:
    """All rows."""
    rows = make_rows()
    wait, respond_async, bare, p50, p99 = rows
    peer = sides.peer if with_peer else None
    await interleave([wait, bare], repeats, ours=sides.ours_wait, raw=sides.raw, peer=peer)
    await interleave([respond_async], repeats, ours=sides.ours_async, raw=sides.raw, peer=peer)
    latency = sides.peer_latency if with_peer else None
    await interleave([p50, p99], repeats, ours=sides.ours_latency, peer=latency)
    if with_peer:
        two = await sides.peer_with_two_processes()
        wait.note(f"the peer with two uvicorn processes: {two:,.0f} per second")
    for side, used in sides.cpu.items():
        wait.note(f"processor ms per command, {side}: {used}")
    wait.note(f"{CONNECTIONS} connections; ours: gateway, decider and projector run, no worker")
    return rows
