"""The gateway: what it takes, from whom, and how often."""

from __future__ import annotations

from typing import Annotated

from runtime.settings.about import about
from runtime.settings.people import People


class FrontDoor(People, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway: what it takes, from whom, and how often."""

    # The front door.
    body_max_bytes: Annotated[
        int, about("The largest request body.", unit="B", ge=1024, le=16_777_216)
    ] = 65_536
    body_timeout_seconds: Annotated[
        float, about("How long a client may take to send a body.", unit="s", gt=0, le=300)
    ] = 10.0
    requests_in_flight_max: Annotated[
        int,
        about("Requests worked on at once; more are answered 503.", ge=1, le=100_000),
    ] = 2000
    connections_max: Annotated[
        int,
        about("Open client connections; more wait in the listen queue.", ge=128, le=100_000),
    ] = 8192
    drain_seconds: Annotated[
        float,
        about("How long a stop waits for requests under way.", unit="s", ge=0, le=300),
    ] = 15.0
    decision_wait_seconds: Annotated[
        float,
        about("How long a POST waits for the decision.", unit="s", gt=0, le=10),
    ] = 0.25
    prefer_wait_max_seconds: Annotated[
        float,
        about("The longest `Prefer: wait` that is honoured.", unit="s", ge=0, le=300),
    ] = 60.0
    consistency_wait_seconds: Annotated[
        float,
        about("How long a read waits for its Consistency-Token.", unit="s", gt=0, le=60),
    ] = 3.0
    presign_ttl_seconds: Annotated[
        int,
        about("How long an image address is good for.", unit="s", ge=60, le=604_800),
    ] = 86_400
    cached_tokens_max: Annotated[
        int, about("Verified tokens kept at hand.", ge=1, le=1_000_000)
    ] = 50_000
    tail_window_seconds: Annotated[
        int,
        about("How much of the log the gateway keeps in view.", unit="s", ge=10, le=86_400),
    ] = 900
    tail_generations_max: Annotated[
        int, about("Generations that this view holds.", ge=100, le=1_000_000)
    ] = 50_000
    tail_changes_max: Annotated[
        int,
        about("Changes kept for streams to resume from; older ones are re-read.", ge=0, le=10**6),
    ] = 100_000
    streams_max: Annotated[int, about("Open event streams.", ge=0, le=100_000)] = 2000
    streams_per_account_max: Annotated[
        int, about("Open event streams of one account.", ge=1, le=1000)
    ] = 10
    stream_queue_max: Annotated[
        int,
        about("Events that wait for a slow reader before it is cut off.", ge=1, le=10_000),
    ] = 256
    stream_heartbeat_seconds: Annotated[
        float, about("The longest silence on a stream.", unit="s", gt=0, le=300)
    ] = 15.0
    stream_seconds_max: Annotated[
        int,
        about(
            "How long one stream lasts: whoever may still watch connects again.",
            unit="s",
            ge=1,
            le=86_400,
        ),
    ] = 3600
    stream_ticket_ttl_seconds: Annotated[
        int, about("How long a stream ticket is good for.", unit="s", ge=10, le=3600)
    ] = 120

    # Limits: of one address, sign-in, account or API key, over all gateways that share a store.
    redis_url: Annotated[
        str | None,
        about(
            "Where several gateways count together; unset: each counts for itself, in memory.",
            env="REDIS_URL",
            secret=True,
        ),
    ] = None
    redis_timeout_seconds: Annotated[
        float,
        about(
            "How long the shared store may take before a gateway counts for itself.",
            unit="s",
            gt=0,
            le=10,
        ),
    ] = 0.25
    trusted_proxies: Annotated[
        str,
        about("Addresses and networks, `10.0.0.0/8,…`; only these may set `X-Forwarded-For`."),
    ] = ""
    cors_origins: Annotated[
        str,
        about("Origins, `https://app.example,…`, whose pages may call this service."),
    ] = ""
    limit_address_per_minute: Annotated[
        int, about("Requests of one outside address in a minute.", ge=1, le=10_000_000)
    ] = 3000
    limit_sign_ins_per_minute: Annotated[
        int, about("Sign-ins from one outside address in a minute.", ge=1, le=10_000_000)
    ] = 60
    limit_failures_per_minute: Annotated[
        int,
        about(
            "Credentials from one outside address that were refused, in a minute.",
            ge=1,
            le=10_000_000,
        ),
    ] = 60
    limit_account_per_minute: Annotated[
        int, about("Requests of one account in a minute.", ge=1, le=10_000_000)
    ] = 1200
    limit_changes_per_hour: Annotated[
        int,
        about(
            "Requests of one account in an hour that change something; generations have a limit "
            "of their own.",
            ge=1,
            le=10_000_000,
        ),
    ] = 1200
    limit_api_key_requests: Annotated[
        int,
        about("Requests with one API key in `limit_api_key_window_seconds`.", ge=1, le=10_000_000),
    ] = 100
    limit_api_key_window_seconds: Annotated[
        int, about("The time over which an API key's requests count.", unit="s", ge=1, le=86_400)
    ] = 900
    limit_account_in_flight: Annotated[
        int, about("Requests of one account worked on at once.", ge=1, le=100_000)
    ] = 100
    limit_address_in_flight: Annotated[
        int, about("Requests of one outside address worked on at once.", ge=1, le=100_000)
    ] = 500
    limits_kept_max: Annotated[
        int,
        about("How many accounts, addresses or keys of a kind are counted.", ge=1, le=1_000_000),
    ] = 50_000
    headers_max_bytes: Annotated[
        int, about("All headers of a request together.", unit="B", ge=1024, le=65_536)
    ] = 32_768
    address_max_bytes: Annotated[
        int, about("The path and query of a request.", unit="B", ge=256, le=65_536)
    ] = 8192
