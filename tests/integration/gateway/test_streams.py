"""Event streams: complete, in order, resumable, bounded."""

from __future__ import annotations

import asyncio

import msgspec

from events.live import Progress
from events.topics import LIVE
from gateway.web.cursors import decode_event_id
from runtime.kafka.records import Outgoing
from runtime.waiting import until
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.sse import stream
from tests.integration.gateway.world import Person, World, another_gateway

STREAMS_GAUGE = "pixelpop_gateway_streams "


def changes(events: list[dict]) -> list[str]:
    return [one["data"]["change"] for one in events if one["event"] == "generation"]


async def test_one_generation_from_request_to_end(world: World, person: Person) -> None:
    """A stream opened late begins at the request, and ends by itself once it is done."""
    generation = (await person.ask()).json()["id"]
    address = f"/generations/{generation}/events"
    async with stream(person.client, address, headers=person.authorization) as reader:
        await reader.until("generation", change="admitted")
        await world.start(person, generation)
        await reader.until("generation", status="processing")
        await world.complete(person, generation)
        last = await reader.until("end")
        assert last[-2]["data"]["status"] == "done"
        assert len(last[-2]["data"]["images"]) == 1
        assert await reader.next() is None
    async with stream(person.client, address, headers=person.authorization) as reader:
        whole = await reader.until("end")
        assert changes(whole) == ["requested", "admitted", "started", "completed"]
        assert {one["data"]["generation_id"] for one in whole[:-1]} == {generation}


async def test_ids_are_log_positions_in_order(world: World, person: Person) -> None:
    """Within an account ids only grow, in one partition."""
    generation = (await person.ask()).json()["id"]
    await world.complete(person, generation)
    address = f"/generations/{generation}/events"
    async with stream(person.client, address, headers=person.authorization) as reader:
        events = await reader.until("end")
    places = [decode_event_id(one["id"]) for one in events if "id" in one]
    assert places == sorted(places)
    assert len({place.partition for place in places}) == 1


async def test_a_stream_resumes_right_after_the_last_event(world: World, person: Person) -> None:
    """What happened between two connections is sent, once, and nothing twice."""
    async with stream(person.client, "/events", headers=person.authorization) as reader:
        first = await reader.next()
        assert first is not None
        assert first["event"] == "reset"
        assert first["data"]["credits"]["available"] == 5
        generation = (await person.ask()).json()["id"]
        seen = await reader.until("generation", change="admitted")
    await world.complete(person, generation)
    for how in ("header", "query"):
        headers, path = dict(person.authorization), "/events"
        if how == "header":
            headers["Last-Event-ID"] = seen[-1]["id"]
        else:
            path = f"/events?last_event_id={seen[-1]['id']}"
        async with stream(person.client, path, headers=headers) as reader:
            rest = await reader.until("generation", change="settled")
        assert changes(rest) == ["completed", "settled"]


async def test_a_place_that_is_not_kept_begins_with_a_snapshot(
    world: World, person: Person
) -> None:
    """An id that the log has not reached, or has left behind, is answered with `reset`."""
    generation = (await person.ask()).json()["id"]
    async with stream(person.client, "/events", headers=person.authorization) as reader:
        partition = decode_event_id((await reader.next() or {})["id"]).partition
    headers = person.authorization | {"Last-Event-ID": f"{partition}:999999999"}
    async with stream(person.client, "/events", headers=headers) as reader:
        first = await reader.next()
        assert first is not None
        assert first["event"] == "reset"
        ids = [one["id"] for one in first["data"]["generations"]]
    assert ids in ([generation], [])


async def test_progress_is_passed_on_without_an_id(world: World, person: Person) -> None:
    """Progress is lossy, so it is no place to resume from."""
    generation = (await person.ask()).json()["id"]
    address = f"/generations/{generation}/events"
    async with stream(person.client, address, headers=person.authorization) as reader:
        await reader.until("generation", change="admitted")
        progress = Progress(
            account_id=person.account_id,
            generation_id=generation,
            stage="drawing",
            percent=40,
        )
        await world.producer.append(
            LIVE, Outgoing(person.account_id.encode(), msgspec.json.encode(progress))
        )
        one = (await reader.until("progress"))[-1]
    assert one["data"] == {"generation_id": generation, "stage": "drawing", "percent": 40}
    assert "id" not in one


async def test_nobody_sees_another_ones_changes(world: World, person: Person) -> None:
    """A stream carries its own account's events only."""
    other = await world.person()
    async with stream(person.client, "/events", headers=person.authorization) as reader:
        await reader.next()
        await other.ask()
        mine = (await person.ask()).json()["id"]
        seen = await reader.until("generation", change="admitted")
    assert {one["data"]["generation_id"] for one in seen} == {mine}


async def test_a_ticket_opens_a_stream_and_nothing_else(world: World, person: Person) -> None:
    """For EventSource, which cannot send headers."""
    ticket = (await person.post("/events/tickets")).json()["ticket"]
    async with stream(person.client, f"/events?ticket={ticket}") as reader:
        assert (await reader.next() or {})["event"] == "reset"
    answer = await world.client.get("/credits", headers={"Authorization": f"Bearer {ticket}"})
    is_problem(answer, 401, "token-invalid")
    is_problem(await world.client.get("/events?ticket=abc"), 401, "token-invalid")
    is_problem(await world.client.get(f"/events?ticket={person.token}"), 401, "token-invalid")


async def test_a_stream_does_not_outlast_its_credential_for_ever(world: World) -> None:
    """A token that is over, or a key that has expired, watches no longer than one stream lasts."""
    async with another_gateway(world, stream_seconds_max=1) as one:
        person = await world.person()
        async with stream(one.client, "/events", headers=person.authorization) as reader:
            assert (await reader.next() or {})["event"] == "reset"
            await person.ask()
            await reader.until("generation", change="admitted")
            while (event := await reader.next()) is not None:
                assert event["event"] in {"generation", "credits"}


async def test_a_stream_ends_with_its_connection_whatever_came_behind(
    world: World, person: Person
) -> None:
    """More requests sent into the connection of a stream do not hide that its reader has gone."""
    async with another_gateway(world, stream_heartbeat_seconds=0.2, stream_seconds_max=600) as one:

        async def open_streams() -> int:
            text = (await one.client.get("/metrics")).text
            (line,) = [one for one in text.splitlines() if one.startswith(STREAMS_GAUGE)]
            return int(float(line.removeprefix(STREAMS_GAUGE)))

        before = await open_streams()
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        head = f"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {person.token}\r\n\r\n"
        writer.write(head.encode() * 2)
        await reader.readuntil(b"200 OK")

        async def opened() -> bool:
            return await open_streams() > before

        async def closed() -> bool:
            return await open_streams() == before

        await until(opened, 10, what="the stream to be open")
        writer.close()
        await until(closed, 10, what="the stream to end with its connection")


async def test_too_many_streams_are_refused(world: World, person: Person) -> None:
    """One account's streams are bounded; closing one makes room."""
    limit = world.settings.streams_per_account_max
    readers = [stream(person.client, "/events", headers=person.authorization) for _ in range(limit)]
    for reader in readers:
        await reader.__aenter__()
    try:
        answer = await person.get("/events")
        assert is_problem(answer, 429, "too-many-requests")["retry_after"] > 0
        assert answer.headers["RateLimit-Policy"].startswith(f'"streams-at-once";q={limit};')
    finally:
        for reader in readers:
            await reader.__aexit__(None, None, None)

    async def room() -> bool:
        async with person.client.stream("GET", "/events", headers=person.authorization) as one:
            return one.status_code == 200

    await until(room, 10, what="room for a stream")


async def test_a_stream_shows_that_it_lives(world: World, person: Person) -> None:
    """A quiet stream sends comments, so that proxies and clients do not give it up."""
    async with (
        asyncio.timeout(20),
        person.client.stream("GET", "/events", headers=person.authorization) as response,
    ):
        async for line in response.aiter_lines():
            if line == ": alive":
                return
    raise AssertionError("the stream ended without a sign of life")


async def test_a_refused_stream_takes_no_place(world: World, person: Person) -> None:
    """However often a place is named that never was, a stream opens afterwards."""
    for _ in range(world.settings.streams_per_account_max + 2):
        answer = await person.get("/events", headers={"Last-Event-ID": "never"})
        is_problem(answer, 400, "cursor-invalid")
    async with stream(person.client, "/events", headers=person.authorization) as reader:
        opening = await reader.next()
    assert opening is not None
    assert opening["event"] == "reset"
