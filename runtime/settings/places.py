"""Where things are, how long a start and a stop may take, and what is logged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from runtime.settings.about import about


class Places(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where things are, how long a start and a stop may take, and what is logged."""

    # Where things are.
    data_dir: Annotated[
        Path, about("Where embedded servers, generated secrets and local state live.")
    ] = Path(".pixelpop")
    cache_dir: Annotated[
        Path | None,
        about("Where downloaded server programs are kept; unset: the user's cache directory."),
    ] = None
    host: Annotated[str, about("The address that the gateway listens on.")] = "127.0.0.1"
    port: Annotated[int, about("The port that the gateway listens on.", ge=0, le=65535)] = 8000
    metrics_port: Annotated[
        int,
        about(
            "Where a process without an HTTP front door serves /metrics; 0 picks a free port.",
            ge=0,
            le=65535,
        ),
    ] = 0
    slot: Annotated[
        str,
        about(
            "The name of this running copy of a process, unique among copies that run at once.",
            pattern="^[a-z0-9-]{1,40}$",
        ),
    ] = "1"
    ready_file: Annotated[
        Path | None,
        about("Set by `pixelpop up` for its children: written once the process does its work."),
    ] = None
    public_url: Annotated[
        str | None, about("The address under which people reach the gateway.")
    ] = None
    embedded: Annotated[
        bool,
        about("Set by `pixelpop up` for its children when no outside server is configured."),
    ] = False

    stop_timeout_seconds: Annotated[
        float,
        about("How long `up` lets one process drain before it kills it.", unit="s", gt=0, le=600),
    ] = 30.0
    start_timeout_seconds: Annotated[
        float,
        about("How long `up` waits for its processes to be ready.", unit="s", gt=0, le=600),
    ] = 60.0

    # Embedded servers: 0 picks a free port and remembers it in the data directory.
    embedded_kafka_port: Annotated[int, about("The embedded Kafka's port.", ge=0, le=65535)] = 0
    embedded_postgres_port: Annotated[
        int, about("The embedded PostgreSQL's port.", ge=0, le=65535)
    ] = 0
    embedded_s3_port: Annotated[
        int, about("The embedded object storage's port.", ge=0, le=65535)
    ] = 0

    # Telemetry.
    log_format: Annotated[
        Literal["auto", "json", "pretty"],
        about("`auto`: pretty on a terminal, JSON otherwise."),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], about("The least severe line to print.")
    ] = "info"
