"""WebSockets: the same events as the streams, from where one wants, and for nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
import pytest
from jsonschema import Draft202012Validator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from events import asyncapi_socket
from events.base import Sealed
from events.live import PartialPreview, partial_id
from events.topics import LIVE
from gateway.web.cursors import decode_event_id
from runtime.crypto.sealing import seal
from runtime.kafka.records import Outgoing
from tests.integration.gateway.opening import key_of
from tests.integration.gateway.sse import stream
from tests.integration.gateway.world import Person, World


class Socket:
    """One open WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def next(self) -> dict[str, Any]:
        """The next event; raises `ConnectionClosed` at the end."""
        while True:
            async with asyncio.timeout(15):
                one = msgspec.json.decode(await self.connection.recv())
            if one["event"] != "alive":
                return dict(one)

    async def until(self, event: str, **data: Any) -> list[dict[str, Any]]:
        """All events up to the first of that name whose data has these members."""
        seen = []
        while True:
            seen.append(await self.next())
            told = seen[-1]["data"]
            if seen[-1]["event"] == event and all(told.get(n) == v for n, v in data.items()):
                return seen

    async def closed(self) -> tuple[int, str]:
        """The close code and reason, after whatever else comes."""
        with pytest.raises(ConnectionClosed) as error:
            await self.until("never")
        assert error.value.rcvd is not None
        return error.value.rcvd.code, error.value.rcvd.reason


@asynccontextmanager
async def socket(world: World, query: str = "", **rest: Any) -> AsyncIterator[Socket]:
    address = f"ws://127.0.0.1:{world.port}/ws{query}"
    async with connect(address, proxy=None, **rest) as connection:
        yield Socket(connection)


async def ticket_of(person: Person) -> str:
    return str((await person.post("/events/tickets")).json()["ticket"])


async def test_it_carries_what_the_stream_carries(world: World, person: Person) -> None:
    """Both begin with a snapshot and tell the same events with the same ids."""
    ticket = await ticket_of(person)
    async with (
        socket(world, f"?ticket={ticket}") as mine,
        stream(person.client, "/events", headers=person.authorization) as reader,
    ):
        reset = await mine.next()
        assert reset["event"] == "reset"
        generation = (await person.ask()).json()["id"]
        await world.complete(person, generation)
        told = await mine.until("generation", change="settled")
        streamed = await reader.until("generation", change="settled")
    assert told == [one for one in streamed if one["event"] != "reset"]
    places = [decode_event_id(one["id"]) for one in told]
    assert places == sorted(places)
    for one in (reset, *told):
        fits_the_catalogue(one)


def fits_the_catalogue(told: dict[str, Any]) -> None:
    """What is told is what `schemas/asyncapi.json` says."""
    messages = asyncapi_socket.channel()["messages"]
    Draft202012Validator(messages[told["event"]]["payload"]).validate(told)
    known = messages[told["event"]]["payload"]["properties"]["data"]["properties"]
    assert told["event"] == "generation" or set(told["data"]) <= {*known, "instance", "errors"}


async def test_it_resumes_right_after_an_event(world: World, person: Person) -> None:
    """What happened between two connections is told once, and nothing twice."""
    async with socket(world, additional_headers=person.authorization) as mine:
        generation = (await person.ask()).json()["id"]
        last = (await mine.until("generation", change="admitted"))[-1]["id"]
    await world.complete(person, generation)
    query = f"?ticket={await ticket_of(person)}&last_event_id={last}"
    async with socket(world, query) as mine:
        rest = await mine.until("generation", change="settled")
    assert [one["data"]["change"] for one in rest] == ["completed", "settled"]


async def test_a_picture_is_seen_while_it_is_made(world: World, person: Person) -> None:
    """A partial preview reaches both kinds of connection, opened, and its author alone."""
    ticket, other = await ticket_of(person), await world.person()
    generation = (await person.ask()).json()["id"]
    key = await key_of(world, person.account_id)
    partial = PartialPreview(
        account_id=person.account_id,
        generation_id=generation,
        index=0,
        image=Sealed(
            seal(
                key,
                "UklGRg==",
                account_id=UUID(person.account_id),
                event_id=UUID(partial_id(generation, 0)),
                field="image",
            )
        ),
    )
    async with (
        socket(world, f"?ticket={ticket}") as mine,
        socket(world, f"?ticket={await ticket_of(other)}") as theirs,
        stream(person.client, "/events", headers=person.authorization) as reader,
    ):
        for one in (mine, theirs, reader):
            await one.next()
        key_bytes = person.account_id.encode()
        await world.producer.append(LIVE, Outgoing(key_bytes, msgspec.json.encode(partial)))
        shown = (await mine.until("preview"))[-1]
        streamed = (await reader.until("preview"))[-1]
        await other.ask()
        seen = await theirs.until("generation", change="admitted")
    assert shown == {
        "event": "preview",
        "data": {
            "generation_id": generation,
            "index": 0,
            "image": "data:image/webp;base64,UklGRg==",
        },
    }
    assert streamed == shown
    fits_the_catalogue(shown)
    assert "preview" not in {one["event"] for one in seen}


async def test_one_generation_ends_it(world: World, person: Person) -> None:
    """A socket about one generation tells of no other, and closes when that is finished."""
    generation = (await person.ask()).json()["id"]
    query = f"?ticket={await ticket_of(person)}&generation_id={generation}"
    async with socket(world, query) as mine:
        await person.ask()
        await world.complete(person, generation)
        seen = await mine.until("end")
        assert {one["data"]["generation_id"] for one in seen[:-1]} == {generation}
        assert (await mine.closed())[0] == 1000


@pytest.mark.parametrize(
    ("query", "code", "reason"),
    [
        ("", 4401, "token-missing"),
        ("?ticket=abc", 4401, "token-invalid"),
        ("?ticket={ticket}&last_event_id=nonsense", 4400, "cursor-invalid"),
        ("?ticket={ticket}&generation_id=abc", 4404, "not-found"),
        ("?ticket={ticket}&more=1", 4400, "invalid-parameter"),
        ("?ticket={ticket}&ticket={ticket}", 4400, "invalid-parameter"),
    ],
)
async def test_refusals_are_told(
    world: World, person: Person, query: str, code: int, reason: str
) -> None:
    """A page can read why: an event with the problem document, and a close code from it."""
    async with socket(world, query.format(ticket=await ticket_of(person))) as mine:
        told = await mine.next()
        assert told["event"] == "problem"
        assert told["data"]["type"].endswith("/" + reason)
        fits_the_catalogue(told)
        assert await mine.closed() == (code, reason)


async def test_nobody_watches_another_ones_generation(world: World, person: Person) -> None:
    """Another account's generation is not there."""
    generation = (await (await world.person()).ask()).json()["id"]
    query = f"?ticket={await ticket_of(person)}&generation_id={generation}"
    async with socket(world, query) as mine:
        assert (await mine.closed())[0] in {4404, 4503}


@pytest.mark.parametrize(
    ("path", "origin"),
    [("/ws", "https://evil.example"), ("/ws", "null"), ("/events", None), ("/generations", None)],
)
async def test_a_strange_page_gets_no_connection(
    world: World, person: Person, path: str, origin: str | None
) -> None:
    """Pages of other origins are refused before anything is said, as is every other address."""
    address = f"ws://127.0.0.1:{world.port}{path}?ticket={await ticket_of(person)}"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(address, origin=origin, proxy=None):
            pass
    assert refused.value.response.status_code == 403


async def test_its_own_page_gets_one(world: World, person: Person) -> None:
    """A page that this very host served may connect."""
    query = f"?ticket={await ticket_of(person)}"
    async with socket(world, query, origin=f"http://127.0.0.1:{world.port}") as mine:
        assert (await mine.next())["event"] == "reset"


async def test_there_are_only_so_many(world: World, person: Person) -> None:
    """Sockets and streams of an account count together, and places come back."""
    most = world.settings.streams_per_account_max
    query = f"?ticket={await ticket_of(person)}"
    async with asyncio.TaskGroup() as group:
        done = asyncio.Event()
        ready = asyncio.Semaphore(0)

        async def hold() -> None:
            async with socket(world, query) as mine:
                await mine.next()
                ready.release()
                await done.wait()

        for _ in range(most):
            group.create_task(hold())
        for _ in range(most):
            await ready.acquire()
        async with socket(world, query) as one:
            assert (await one.closed())[0] == 4429
        done.set()
    async with socket(world, query) as one:
        assert (await one.next())["event"] == "reset"


async def test_who_talks_too_much_is_cut_off(world: World, person: Person) -> None:
    """Nothing is expected from a client; small words are ignored, large ones end it."""
    async with socket(world, f"?ticket={await ticket_of(person)}") as mine:
        await mine.next()
        await mine.connection.send("hello")
        generation = (await person.ask()).json()["id"]
        await mine.until("generation", generation_id=generation)
        await mine.connection.send("x" * 5000)
        assert (await mine.closed())[0] == 1009
