"""From POST to `done` seen on the open event stream, with a provider that takes no time.

Everything runs, worker included. Once with the pictures in the worker's memory, once in the real
object store (the same S3 server for both sides). Both sides make a real preview of every picture.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog

from benchmarks import accounts, load
from benchmarks.event_stream import EventStream, listen
from benchmarks.load import Target
from benchmarks.measuring import Figures, interleave
from benchmarks.peer_stack import Peer
from benchmarks.rows.commands import TOKEN_SECONDS, generation_request
from benchmarks.table import Row
from benchmarks.world import World
from events.ids import AccountId
from gateway.identity.tokens import Tokens
from runtime.waiting import until

log = structlog.get_logger(__name__)

PER_SECOND = 10
"""Far below what the previews' encoding can take: latency, not throughput."""

WAIT_SECONDS = 60.0
DONE = re.compile(rb'"(?:generation_id|id)": ?"([0-9a-f-]{36})"')


class _Id(msgspec.Struct):
    id: str


class Watch:
    """Open event streams, and when each generation was seen to be done on one of them."""

    def __init__(self) -> None:
        self._buffers: dict[int, bytes] = {}
        self._streams: list[EventStream] = []
        self._done: dict[bytes, float] = {}
        self._asked: dict[bytes, float] = {}

    async def open(self, target: Target, tokens: Sequence[str]) -> None:
        """One stream for each account, all open before the first request."""
        for number, token in enumerate(tokens):
            data = load.request("GET", "/events", {"Authorization": f"Bearer {token}"})
            self._streams.append(await listen(target, data, self._receiver(number)))

    def asked(self, body: bytes, due_at: float) -> None:
        """A request was answered; its latency counts from when it was due."""
        self._asked[msgspec.json.decode(body, type=_Id).id.encode()] = due_at

    async def latencies_ms(self) -> list[float]:
        """Wait for all that was asked; what is not done in time is left out, and logged."""
        done = await self.done()
        return [(done[one] - at) * 1000 for one, at in self._asked.items() if one in done]

    async def done(self) -> dict[bytes, float]:
        """Wait for all that was asked, and close; when each was seen done, by its id."""
        with contextlib.suppress(TimeoutError):
            await until(
                lambda: not self._asked.keys() - self._done.keys(), WAIT_SECONDS, what="all done"
            )
        missing = len(self._asked.keys() - self._done.keys())
        if missing:
            log.warning("not all were seen done", missing=missing, asked=len(self._asked))
        for stream in self._streams:
            stream.close()
        return self._done

    def _receiver(self, number: int) -> Callable[[bytes], None]:
        def received(data: bytes) -> None:
            now = time.perf_counter()
            *events, rest = (self._buffers.get(number, b"") + data).split(b"\n\n")
            self._buffers[number] = rest
            for event in events:
                if b'"done"' in event and b"event: generation" in event:
                    for found in DONE.finditer(event):
                        self._done.setdefault(found[1], now)

        return received


class Finish:
    """Both sides; `key` is the row's, by where the pictures go."""

    def __init__(self, world: World, gateway: Target, peer: Peer | None, count: int) -> None:
        self._world = world
        self._gateway = gateway
        self._peer = peer
        self._count = count

    async def ours(self, key: str) -> Figures:
        """POST /generations, then `done` on GET /events."""
        world = self._world
        needed = -(-self._count // accounts.GENERATIONS_EACH)
        made = await accounts.make_accounts(world.settings, world.owner_url, world.producer, needed)
        await world.drained()
        issue = Tokens(str(world.settings.jwt_secret)).issue
        tokens = [issue(AccountId(str(one.account_id)), TOKEN_SECONDS) for one in made]
        return await self._measure(key, self._gateway, tokens)

    async def peer(self, key: str) -> Figures:
        """The same of the peer."""
        assert self._peer is not None
        needed = -(-self._count // accounts.GENERATIONS_EACH)
        return await self._measure(key, self._peer.target, await self._peer.make_accounts(needed))

    async def _measure(self, key: str, target: Target, tokens: Sequence[str]) -> Figures:
        watch = Watch()
        await watch.open(target, tokens)
        requests = [generation_request(token, {}) for token in tokens]
        requests = [
            generation_request(token, {})
            for _ in range(accounts.GENERATIONS_EACH)
            for token in tokens
        ][: self._count]
        outcome = await load.open_loop(
            target, requests, per_second=PER_SECOND, connections=8, seen=watch.asked
        )
        if outcome.unexpected:
            log.warning("not all were accepted", first=outcome.unexpected)
        found = load.Outcome(latencies_ms=await watch.latencies_ms())
        return {f"{key}_p50": found.percentile_ms(0.5), f"{key}_p99": found.percentile_ms(0.99)}


def make_rows(key: str, store: str, target: str) -> list[Row]:
    """The empty rows of one store."""
    name = f"POST to done on SSE, {store}"
    return [
        Row(f"{key}_p50", f"{name}, p50", "ms", target=target, more_is_better=False),
        Row(f"{key}_p99", f"{name}, p99", "ms", more_is_better=False),
    ]


STORES: tuple[tuple[str, str, str, str], ...] = (
    ("done_memory", "stubbed store", "≤ 60 ms", "memory"),
    ("done_s3", "real object store", "", "s3"),
)


async def measure(
    world: World, gateway: Target, peer: Peer | None, repeats: int, count: int
) -> list[Row]:
    """All rows."""
    sides = Finish(world, gateway, peer, count)
    all_rows = []
    for key, store, target, kind in STORES:
        rows = make_rows(key, store, target)
        all_rows += rows
        await world.start("worker", objects=kind, local_render="flat")
        if peer is not None:
            await peer.start_worker(peer_store(world) if kind == "s3" else {})

        async def ours(key: str = key) -> Figures:
            return await sides.ours(key)

        async def theirs(key: str = key) -> Figures:
            return await sides.peer(key)

        await interleave(rows, repeats, ours=ours, peer=None if peer is None else theirs)
        rows[0].note(f"{count} generations at {PER_SECOND} a second a run")
        await world.stop("worker")
        if peer is not None:
            await peer.stop_worker()
    return all_rows


def peer_store(world: World) -> Mapping[str, str]:
    """The peer's way to the same S3 server, in the same bucket under keys of its own."""
    settings = world.settings
    return {
        "PEER_S3_ENDPOINT_URL": str(settings.s3_endpoint_url),
        "PEER_S3_ACCESS_KEY_ID": str(settings.s3_access_key_id),
        "PEER_S3_SECRET_ACCESS_KEY": str(settings.s3_secret_access_key),
        "PEER_S3_BUCKET": settings.s3_bucket,
    }
