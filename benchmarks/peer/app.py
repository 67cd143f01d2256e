"""The peer's HTTP front door."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import jwt
import redis.asyncio as redis
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from benchmarks.peer.models import Account, Generation, LedgerEntry, make_engine
from benchmarks.peer.settings import PRICE, QUEUE, WELCOME_CREDITS, Settings, channel

TOKEN_SECONDS = 3600

settings = Settings()
engine = make_engine(settings)
sessions = async_sessionmaker(engine, expire_on_commit=False)
cache = redis.from_url(settings.redis_url)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Close what was opened."""
    yield
    await cache.aclose()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
bearer = HTTPBearer()


class Login(BaseModel):
    """Telegram init data."""

    model_config = ConfigDict(extra="forbid")
    init_data: str


class Token(BaseModel):
    """What a sign-in answers."""

    access_token: str
    token_type: str = "bearer"
    expires_in: int = TOKEN_SECONDS


class NewGeneration(BaseModel):
    """What may be asked."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["image"]
    prompt: str = Field(min_length=1, max_length=500)
    style_id: str = "none"
    size: Literal["1024x1024", "1024x1536", "1536x1024"] = "1024x1024"
    count: int = Field(default=1, ge=1, le=4)
    negative_prompt: str | None = Field(default=None, max_length=500)
    seed: int | None = None
    model: str = "preview"
    quality: Literal["standard", "high"] = "standard"


class GenerationOut(BaseModel):
    """What is shown of a generation."""

    id: UUID
    status: str
    kind: str
    prompt: str
    style_id: str
    credits: int


async def session() -> AsyncIterator[AsyncSession]:
    """One database session for each request."""
    async with sessions() as opened:
        yield opened


async def account_id(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)],
) -> UUID:
    """Who asks."""
    try:
        claims = jwt.decode(credentials.credentials, settings.jwt_secret, algorithms=["HS256"])
        return UUID(claims["sub"])
    except (jwt.InvalidTokenError, KeyError, ValueError) as error:
        raise HTTPException(401, "The token is missing, expired or forged.") from error


Session = Annotated[AsyncSession, Depends(session)]
Caller = Annotated[UUID, Depends(account_id)]


def _telegram_id(init_data: str) -> int:
    fields = dict(parse_qsl(init_data, keep_blank_values=True))
    given = fields.pop("hash", "")
    text = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    key = hmac.digest(b"WebAppData", settings.bot_token.encode(), hashlib.sha256)
    if not hmac.compare_digest(hmac.new(key, text.encode(), "sha256").hexdigest(), given):
        raise HTTPException(401, "The init data is forged.")
    if time.time() - int(fields["auth_date"]) > TOKEN_SECONDS:
        raise HTTPException(401, "The init data is too old.")
    return int(json.loads(fields["user"])["id"])


@app.post("/auth/login")
async def login(body: Login, db: Session) -> Token:
    """Sign in; the first time makes the account."""
    telegram_id = _telegram_id(body.init_data)
    await db.execute(
        insert(Account)
        .values(id=uuid4(), telegram_id=telegram_id, balance=WELCOME_CREDITS)
        .on_conflict_do_nothing(index_elements=["telegram_id"])
    )
    found = await db.scalar(select(Account.id).where(Account.telegram_id == telegram_id))
    await db.commit()
    claims = {"sub": str(found), "exp": int(time.time()) + TOKEN_SECONDS}
    return Token(access_token=jwt.encode(claims, settings.jwt_secret, algorithm="HS256"))


@app.post("/generations", status_code=202)
async def create_generation(
    body: NewGeneration,
    db: Session,
    caller: Caller,
    response: Response,
    idempotency_key: Annotated[str, Header(max_length=255)],
) -> GenerationOut:
    """Check and debit the balance, store the request, and queue it."""
    account = await db.get(Account, caller, with_for_update=True)
    if account is None:
        raise HTTPException(401, "The account is gone.")
    price = PRICE * body.count
    if account.balance < price:
        raise HTTPException(402, "Not enough credits.")
    account.balance -= price
    generation = Generation(
        id=uuid4(),
        account_id=caller,
        idempotency_key=idempotency_key,
        status="pending",
        prompt=body.prompt,
        parameters=body.model_dump(exclude={"prompt"}),
        credits=price,
    )
    entry = LedgerEntry(
        account_id=caller,
        generation_id=generation.id,
        credits=-price,
        balance_after=account.balance,
    )
    db.add_all([generation, entry])
    try:
        await db.commit()
    except IntegrityError:
        await db.rollback()
        response.headers["Idempotent-Replay"] = "true"
        return await _replay(db, caller, idempotency_key)
    await cache.lpush(QUEUE, json.dumps({"id": str(generation.id), "account": str(caller)}))
    response.headers["Location"] = f"/generations/{generation.id}"
    return _shown(generation)


async def _replay(db: AsyncSession, caller: UUID, key: str) -> GenerationOut:
    found = await db.scalar(
        select(Generation).where(Generation.account_id == caller, Generation.idempotency_key == key)
    )
    assert found is not None
    return _shown(found)


@app.get("/generations/{generation_id}")
async def get_generation(generation_id: UUID, db: Session, caller: Caller) -> GenerationOut:
    """One generation of the caller's."""
    found = await db.get(Generation, generation_id)
    if found is None or found.account_id != caller:
        raise HTTPException(404, "There is no such generation.")
    return _shown(found)


def _shown(generation: Generation) -> GenerationOut:
    parameters: dict[str, Any] = generation.parameters
    return GenerationOut(
        id=generation.id,
        status=generation.status,
        kind=parameters["kind"],
        prompt=generation.prompt,
        style_id=parameters["style_id"],
        credits=generation.credits,
    )


@app.get("/events")
async def events(caller: Caller) -> StreamingResponse:
    """What happens to the caller's generations, live."""
    subscription = cache.pubsub(ignore_subscribe_messages=True)
    await subscription.subscribe(channel(caller))

    async def stream() -> AsyncIterator[bytes]:
        try:
            yield b": connected\n\n"
            async for message in subscription.listen():
                yield b"event: generation\ndata: " + message["data"] + b"\n\n"
        finally:
            await subscription.aclose()  # type: ignore[no-untyped-call]  # redis

    return StreamingResponse(stream(), media_type="text/event-stream")
