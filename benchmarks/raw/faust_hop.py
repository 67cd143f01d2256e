"""A bare Faust agent: take a record, send one on, ack. Prints `{"jobs": …, "seconds": …}`.

`python -m benchmarks.raw.faust_hop`, with RAW_KAFKA, RAW_TOPIC, RAW_OUT, RAW_COUNT. Faust's own
settings are those that the project uses (design §4); there is no job in it.
"""

from __future__ import annotations

import json
import os
import sys
import time

import faust

_COUNT = int(os.environ.get("RAW_COUNT", "0"))
app = faust.App(
    os.environ.get("RAW_ID", "raw-hop"),
    broker="kafka://" + os.environ.get("RAW_KAFKA", ""),
    store="memory://",
    web_enabled=False,
    topic_disable_leader=True,
    stream_wait_empty=False,
    cython_optimizations=True,
    consumer_auto_offset_reset="earliest",
    broker_max_poll_records=500,
    consumer_max_fetch_size=1_048_576,
    value_serializer="raw",
    key_serializer="raw",
)
source = app.topic(os.environ.get("RAW_TOPIC", "raw-jobs"), value_serializer="raw")
target = app.topic(os.environ.get("RAW_OUT", "raw-done"), value_serializer="raw")


@app.agent(source)  # type: ignore[untyped-decorator]  # faust
async def hop(stream: faust.StreamT[bytes]) -> None:
    """Send each record on."""
    done = 0
    started = 0.0
    async for event in stream.noack().events():
        if not done:
            started = time.perf_counter()
        await target.send(key=event.key, value=event.value)
        event.ack()
        done += 1
        if done == _COUNT:
            print(json.dumps({"jobs": done, "seconds": time.perf_counter() - started}))
            sys.stdout.flush()
            os._exit(0)  # Faust's own stop takes seconds, and nothing here needs it


if __name__ == "__main__":
    app.main()
