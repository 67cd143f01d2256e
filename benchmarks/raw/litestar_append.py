"""Litestar with a JWT check, a decoded body and one acked append: no domain, no decision.

What a gateway of these parts can do at most. Settings by environment: RAW_KAFKA, RAW_TOPIC,
RAW_JWT_SECRET,
RAW_AUDIENCE.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import jwt
import msgspec
from aiokafka import AIOKafkaProducer
from litestar import Litestar, Request, post
from litestar.datastructures import State
from litestar.exceptions import NotAuthorizedException

_SECRET = os.environ.get("RAW_JWT_SECRET", "")
_AUDIENCE = os.environ.get("RAW_AUDIENCE", "")
_TOPIC = os.environ.get("RAW_TOPIC", "raw-append")


class Body(msgspec.Struct):
    """The same body that ours takes."""

    kind: str
    prompt: str
    style_id: str
    size: str
    count: int


class Accepted(msgspec.Struct):
    """What is answered."""

    partition: int
    offset: int


@post("/generations", status_code=202)
async def append(request: Request[None, None, State], data: Body, state: State) -> Accepted:
    """Check the token, append the body, wait for the ack."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(token, _SECRET, algorithms=["HS256"], audience=_AUDIENCE)
    except jwt.InvalidTokenError as error:
        raise NotAuthorizedException from error
    producer: AIOKafkaProducer = state.producer
    found = await producer.send_and_wait(
        _TOPIC, msgspec.json.encode(data), key=claims["sub"].encode()
    )
    return Accepted(found.partition, found.offset)


@asynccontextmanager
async def _producer(app: Litestar) -> AsyncIterator[None]:
    producer = AIOKafkaProducer(
        bootstrap_servers=os.environ["RAW_KAFKA"],
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=262_144,
    )
    await producer.start()
    app.state.producer = producer
    yield
    await producer.stop()


app = Litestar([append], lifespan=[_producer], openapi_config=None, logging_config=None)
