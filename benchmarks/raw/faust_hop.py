"""A bare Faust agent: take a record, send one on, ack. Prints `{"jobs": …, "seconds": …}`.

`python -m benchmarks.raw.faust_hop`, with RAW_KAFKA, RAW_TOPIC, RAW_OUT, RAW_COUNT, RAW_ID. Faust's
settings are those that the project uses (design §4); there is no job in it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time

import faust
import uvloop


def make_app(folder: str, done: asyncio.Event) -> faust.App:
    """An app with one agent that sends each record on, and sets `done` after the last."""
    environ = os.environ
    count = int(environ["RAW_COUNT"])
    app = faust.App(
        environ["RAW_ID"],
        broker="kafka://" + environ["RAW_KAFKA"],
        datadir=folder,
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        cython_optimizations=True,
        consumer_auto_offset_reset="earliest",
        broker_max_poll_records=500,
        consumer_max_fetch_size=1_048_576,
        value_serializer="raw",
        key_serializer="raw",
    )
    source = app.topic(environ["RAW_TOPIC"], value_serializer="raw", key_serializer="raw")
    target = app.topic(environ["RAW_OUT"], value_serializer="raw", key_serializer="raw")

    @app.agent(source)  # type: ignore[untyped-decorator]
    async def hop(stream: faust.StreamT[bytes]) -> None:
        taken = 0
        started = 0.0
        async for event in stream.noack().events():
            started = started or time.perf_counter()
            await target.send(key=event.key, value=event.value)
            event.ack()
            taken += 1
            if taken == count:
                seconds = time.perf_counter() - started
                print(json.dumps({"jobs": taken, "seconds": seconds}), file=sys.__stdout__)
                done.set()

    return app


async def run() -> None:
    """Until the last record was sent on."""
    done = asyncio.Event()
    with tempfile.TemporaryDirectory() as folder:
        app = make_app(folder, done)
        await app.start()
        await done.wait()
    sys.__stdout__.flush()  # type: ignore[union-attr]
    os._exit(0)  # Faust's own stop takes seconds, and nothing here needs it


if __name__ == "__main__":
    uvloop.run(run())
