"""The peer's tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.peer.settings import Settings


class Base(DeclarativeBase):
    """The root of all tables."""

    type_annotation_map = {dict[str, Any]: JSONB}  # noqa: RUF012  (SQLAlchemy reads it so)


class Account(Base):
    """A customer and what is left of their credits."""

    __tablename__ = "accounts"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    telegram_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    balance: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Generation(Base):
    """One request for pictures, and what became of it."""

    __tablename__ = "generations"
    __table_args__ = (
        UniqueConstraint("account_id", "idempotency_key"),
        Index("generations_gallery", "account_id", "created_at"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    idempotency_key: Mapped[str]
    status: Mapped[str]
    prompt: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    credits: Mapped[int]
    object_keys: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class LedgerEntry(Base):
    """One movement of credits."""

    __tablename__ = "ledger"
    __table_args__ = (Index("ledger_account", "account_id", "id"),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    generation_id: Mapped[UUID] = mapped_column(ForeignKey("generations.id"))
    credits: Mapped[int]
    balance_after: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


def make_engine(settings: Settings) -> AsyncEngine:
    """A pool of fixed size: on a small machine more connections only wait in Postgres."""
    return create_async_engine(
        settings.database_url, pool_size=settings.pool_size, max_overflow=0, pool_timeout=30
    )
