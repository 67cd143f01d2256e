"""Every setting: its environment variable, meaning, unit, default and bounds.

A setting is a field of `Settings`; its variable is `PIXELPOP_<FIELD>` unless `env` names another.
`load()` reads the environment (and a `.env` file beside the project, which the environment
overrides) once per process. An unknown `PIXELPOP_*` variable and a value out of bounds both stop
the start with a sentence that names the variable.
"""

from __future__ import annotations

import difflib
import os
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from dotenv import dotenv_values
from msgspec import Meta

from runtime.errors import SettingsError

PREFIX = "PIXELPOP_"


def _about(
    meaning: str,
    *,
    env: str | None = None,
    unit: str | None = None,
    secret: bool = False,
    **bounds: Any,
) -> Meta:
    return Meta(
        description=meaning,
        extra={"env": env, "unit": unit, "secret": secret},
        **bounds,
    )


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of all processes; a process reads the ones it needs."""

    # Where things are.
    data_dir: Annotated[
        Path, _about("Where embedded servers, generated secrets and local state live.")
    ] = Path(".pixelpop")
    cache_dir: Annotated[
        Path | None,
        _about("Where downloaded server programs are kept; unset: the user's cache directory."),
    ] = None
    host: Annotated[str, _about("The address that the gateway listens on.")] = "127.0.0.1"
    port: Annotated[int, _about("The port that the gateway listens on.", ge=0, le=65535)] = 8000
    metrics_port: Annotated[
        int,
        _about(
            "Where a process without an HTTP front door serves /metrics; 0 picks a free port.",
            ge=0,
            le=65535,
        ),
    ] = 0
    slot: Annotated[
        str,
        _about(
            "The name of this running copy of a process, unique among copies that run at once.",
            pattern="^[a-z0-9-]{1,40}$",
        ),
    ] = "1"
    ready_file: Annotated[
        Path | None,
        _about("Set by `pixelpop up` for its children: written once the process does its work."),
    ] = None
    public_url: Annotated[
        str | None, _about("The address under which people reach the gateway.")
    ] = None
    embedded: Annotated[
        bool,
        _about("Set by `pixelpop up` for its children when no outside server is configured."),
    ] = False

    stop_timeout_seconds: Annotated[
        float,
        _about("How long `up` lets one process drain before it kills it.", unit="s", gt=0, le=600),
    ] = 30.0
    start_timeout_seconds: Annotated[
        float,
        _about("How long `up` waits for its processes to be ready.", unit="s", gt=0, le=600),
    ] = 60.0

    # Embedded servers: 0 picks a free port and remembers it in the data directory.
    embedded_kafka_port: Annotated[int, _about("The embedded Kafka's port.", ge=0, le=65535)] = 0
    embedded_postgres_port: Annotated[
        int, _about("The embedded PostgreSQL's port.", ge=0, le=65535)
    ] = 0
    embedded_s3_port: Annotated[
        int, _about("The embedded object storage's port.", ge=0, le=65535)
    ] = 0

    # Outside servers.
    kafka_bootstrap_servers: Annotated[
        str | None,
        _about("Kafka brokers, `host:port,…`; unset: embedded.", env="KAFKA_BOOTSTRAP_SERVERS"),
    ] = None
    kafka_security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        _about("How to speak to the brokers.", env="KAFKA_SECURITY_PROTOCOL"),
    ] = "PLAINTEXT"
    kafka_sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        _about("The SASL mechanism.", env="KAFKA_SASL_MECHANISM"),
    ] = "SCRAM-SHA-512"
    kafka_sasl_username: Annotated[
        str | None, _about("The SASL user.", env="KAFKA_SASL_USERNAME")
    ] = None
    kafka_sasl_password: Annotated[
        str | None, _about("The SASL password.", env="KAFKA_SASL_PASSWORD", secret=True)
    ] = None
    kafka_ssl_cafile: Annotated[
        Path | None, _about("PEM file with the brokers' authority.", env="KAFKA_SSL_CAFILE")
    ] = None
    kafka_partitions: Annotated[
        int,
        _about(
            "Partitions of each topic; fixed when the topics are made, checked at every start.",
            ge=1,
            le=1000,
        ),
    ] = 6
    kafka_replication: Annotated[
        int,
        _about("Replicas of each topic; the embedded broker has one.", ge=1, le=7),
    ] = 3
    kafka_start_timeout_seconds: Annotated[
        float, _about("How long a start waits for the brokers.", unit="s", gt=0, le=600)
    ] = 30.0
    kafka_request_timeout_seconds: Annotated[
        float,
        _about("How long a broker may take to answer one request.", unit="s", ge=0.1, le=300),
    ] = 15.0
    kafka_append_timeout_seconds: Annotated[
        float,
        _about("How long an append waits for its ack before it gives up.", unit="s", gt=0, le=300),
    ] = 10.0
    kafka_record_max_bytes: Annotated[
        int,
        _about(
            "The largest record (key, value, headers); below the broker's 1 MiB with a margin.",
            unit="B",
            ge=1_000,
            le=1_000_000,
        ),
    ] = 900_000
    kafka_batch_bytes: Annotated[
        int,
        _about("The largest batch of records sent at once.", unit="B", ge=1_000, le=1_000_000),
    ] = 262_144
    kafka_buffer_records: Annotated[
        int, _about("Records that one process may have waiting for acks.", ge=1, le=1_000_000)
    ] = 100_000
    kafka_buffer_bytes: Annotated[
        int,
        _about(
            "Bytes that one process may have waiting for acks; below the broker's 100 MiB request.",
            unit="B",
            ge=1_000,
            le=96_000_000,
        ),
    ] = 64_000_000
    kafka_compression: Annotated[
        Literal["none", "zstd"],
        _about("How batches travel to the broker; what is not zstd it compresses again itself."),
    ] = "zstd"
    kafka_queue_records: Annotated[
        int, _about("Records that a reader holds ahead of its user.", ge=1, le=1_000_000)
    ] = 10_000
    kafka_queue_bytes: Annotated[
        int,
        _about("Bytes that a reader holds ahead of its user.", unit="B", ge=1_000, le=2**31),
    ] = 67_108_864
    kafka_session_timeout_seconds: Annotated[
        float,
        _about("How soon a silent member of a group is replaced.", unit="s", ge=6, le=300),
    ] = 10.0
    database_url: Annotated[
        str | None,
        _about(
            "This process's PostgreSQL; unset: embedded. `up` and `migrate` need the owner's.",
            env="DATABASE_URL",
            secret=True,
        ),
    ] = None
    database_pooler: Annotated[
        Literal["none", "transaction"],
        _about("`transaction` when DATABASE_URL is a transaction-mode pooler such as PgBouncer."),
    ] = "none"
    database_pool_size: Annotated[
        int, _about("PostgreSQL connections of one process.", ge=1, le=200)
    ] = 10
    database_connect_timeout_seconds: Annotated[
        float,
        _about("How long a start waits for PostgreSQL to answer.", unit="s", gt=0, le=300),
    ] = 15.0
    database_acquire_timeout_seconds: Annotated[
        float,
        _about("How long a query may wait for a free connection.", unit="s", gt=0, le=60),
    ] = 5.0
    database_command_timeout_seconds: Annotated[
        float, _about("How long one SQL statement may take.", unit="s", gt=0, le=3600)
    ] = 30.0
    s3_endpoint_url: Annotated[
        str | None, _about("The S3 API; unset: embedded.", env="S3_ENDPOINT_URL")
    ] = None
    s3_public_endpoint_url: Annotated[
        str | None,
        _about(
            "The S3 API as clients reach it; unset: S3_ENDPOINT_URL.", env="S3_PUBLIC_ENDPOINT_URL"
        ),
    ] = None
    s3_bucket: Annotated[str, _about("The bucket.", env="S3_BUCKET")] = "pixelpop"
    s3_region: Annotated[str, _about("The bucket's region.", env="AWS_REGION")] = "us-east-1"
    s3_access_key_id: Annotated[str | None, _about("S3 access key.", env="AWS_ACCESS_KEY_ID")] = (
        None
    )
    s3_secret_access_key: Annotated[
        str | None, _about("S3 secret key.", env="AWS_SECRET_ACCESS_KEY", secret=True)
    ] = None
    s3_connections: Annotated[
        int, _about("Connections to the S3 API of one process.", ge=1, le=1000)
    ] = 50
    s3_attempts: Annotated[
        int, _about("How often one S3 request is tried in all.", ge=1, le=10)
    ] = 4
    s3_connect_timeout_seconds: Annotated[
        float, _about("How long connecting to the S3 API may take.", unit="s", gt=0, le=60)
    ] = 5.0
    s3_read_timeout_seconds: Annotated[
        float, _about("How long the S3 API may be silent.", unit="s", gt=0, le=300)
    ] = 20.0
    s3_call_timeout_seconds: Annotated[
        float,
        _about("How long one call may take with all its attempts.", unit="s", gt=0, le=600),
    ] = 60.0
    s3_object_bytes_max: Annotated[
        int,
        _about("The largest object that is read or written whole.", unit="bytes", ge=1024),
    ] = 67_108_864

    # Secrets: generated once into the data directory in embedded mode, required otherwise.
    jwt_secret: Annotated[
        Annotated[str, Meta(min_length=32)] | None,
        _about("Signs access tokens.", env="JWT_SECRET", secret=True),
    ] = None
    jwt_other_secrets: Annotated[
        str,
        _about(
            "Secrets whose access tokens are good too, with commas: the one before, or the next.",
            env="JWT_OTHER_SECRETS",
            secret=True,
        ),
    ] = ""
    master_key: Annotated[
        Annotated[str, Meta(pattern="^[A-Za-z0-9+/]{43}=$")] | None,
        _about("32 bytes in base64; wraps the accounts' keys.", secret=True),
    ] = None
    other_master_keys: Annotated[
        str | None,
        _about(
            "Further master keys, with commas, newest first: they open what they wrapped.",
            secret=True,
        ),
    ] = None
    marks_key: Annotated[
        Annotated[str, Meta(pattern="^[A-Za-z0-9+/]{43}=$")] | None,
        _about(
            "Makes the marks of bans and spent welcomes; unset: derived from the oldest master "
            "key. Never change it.",
            secret=True,
        ),
    ] = None
    secrets_file: Annotated[
        Path | None,
        _about(
            "A JSON file of secrets that are not set here; `keys rotate` writes it, running "
            "processes read it again."
        ),
    ] = None
    telegram_bot_token: Annotated[
        str | None,
        _about("The bot whose MiniApp this is.", env="TELEGRAM_BOT_TOKEN", secret=True),
    ] = None

    # Sign-in.
    init_data_max_age_seconds: Annotated[
        int, _about("How old Telegram init data may be.", unit="s", ge=30, le=86_400)
    ] = 3600
    init_data_check: Annotated[
        Literal["hmac", "ed25519", "both"],
        _about(
            "What must be right: the hash, made with the bot's token; Telegram's own signature, "
            "which a stolen token cannot make but old Telegram apps do not send; or both."
        ),
    ] = "hmac"
    telegram_environment: Annotated[
        Literal["production", "test"],
        _about(
            "Where the bot lives; `test` accepts the signatures of Telegram's test servers, where "
            "anybody can make any user.",
            env="TELEGRAM_ENVIRONMENT",
        ),
    ] = "production"
    telegram_other_bots: Annotated[
        str,
        _about(
            "Ids of other bots, with commas, whose MiniApps' users may come in, by signature.",
            env="TELEGRAM_OTHER_BOTS",
        ),
    ] = ""
    access_token_ttl_seconds: Annotated[
        int, _about("How long an access token is good for.", unit="s", ge=60, le=604_800)
    ] = 3600
    welcome_credits: Annotated[
        int, _about("Granted once per Telegram user for ever.", unit="credits", ge=0, le=1000)
    ] = 5

    init_data_skew_seconds: Annotated[
        int,
        _about("How far Telegram's clock may be ahead of this one.", unit="s", ge=0, le=300),
    ] = 30
    oidc_issuer: Annotated[
        Annotated[str, Meta(pattern=r"^(https://|http://(localhost|127\.0\.0\.1)(:|/|$))")] | None,
        _about(
            "An issuer of OpenID Connect whose users may sign in, exactly as it names itself.",
            env="OIDC_ISSUER",
        ),
    ] = None
    oidc_client_id: Annotated[
        str | None, _about("What the issuer knows this service by.", env="OIDC_CLIENT_ID")
    ] = None
    oidc_client_secret: Annotated[
        str | None,
        _about(
            "Proves that to the issuer; unset: a public client, by PKCE alone.",
            env="OIDC_CLIENT_SECRET",
            secret=True,
        ),
    ] = None
    oidc_redirect_uri: Annotated[
        str | None,
        _about("The page that the issuer sends people back to.", env="OIDC_REDIRECT_URI"),
    ] = None
    oidc_scope: Annotated[
        str, _about("What the issuer is asked for; `openid` among it.", env="OIDC_SCOPE")
    ] = "openid profile"
    recent_sign_in_seconds: Annotated[
        int,
        _about(
            "How long ago a sign-in may be for what could take an account over.",
            unit="s",
            ge=30,
            le=86_400,
        ),
    ] = 600
    identities_per_account_max: Annotated[
        int, _about("Outside identities of one account.", ge=1, le=100)
    ] = 10

    # Who may do more than others: people as `telegram:<id>`, or accounts by their id.
    admins: Annotated[
        str, _about("Admins, `telegram:<id>` or an account's id, with commas; none by default.")
    ] = ""
    auditors: Annotated[str, _about("Auditors, named as the admins are.")] = ""
    analysts: Annotated[str, _about("Analysts, named as the admins are.")] = ""
    api_keys_per_account_max: Annotated[
        int, _about("API keys of one account that are good at once.", ge=1, le=1000)
    ] = 25
    untold_acts_seconds: Annotated[
        float,
        _about(
            "After how long an act of an admin that the log was not told of is told again.",
            unit="s",
            ge=1,
            le=3600,
        ),
    ] = 15.0

    # The front door.
    body_max_bytes: Annotated[
        int, _about("The largest request body.", unit="B", ge=1024, le=16_777_216)
    ] = 65_536
    body_timeout_seconds: Annotated[
        float, _about("How long a client may take to send a body.", unit="s", gt=0, le=300)
    ] = 10.0
    requests_in_flight_max: Annotated[
        int,
        _about("Requests worked on at once; more are answered 503.", ge=1, le=100_000),
    ] = 2000
    connections_max: Annotated[
        int,
        _about("Open client connections; more wait in the listen queue.", ge=128, le=100_000),
    ] = 8192
    drain_seconds: Annotated[
        float,
        _about("How long a stop waits for requests under way.", unit="s", ge=0, le=300),
    ] = 15.0
    decision_wait_seconds: Annotated[
        float,
        _about("How long a POST waits for the decision.", unit="s", gt=0, le=10),
    ] = 0.25
    prefer_wait_max_seconds: Annotated[
        float,
        _about("The longest `Prefer: wait` that is honoured.", unit="s", ge=0, le=300),
    ] = 60.0
    consistency_wait_seconds: Annotated[
        float,
        _about("How long a read waits for its Consistency-Token.", unit="s", gt=0, le=60),
    ] = 3.0
    presign_ttl_seconds: Annotated[
        int,
        _about("How long an image address is good for.", unit="s", ge=60, le=604_800),
    ] = 3600
    cached_tokens_max: Annotated[
        int, _about("Verified tokens kept at hand.", ge=1, le=1_000_000)
    ] = 50_000
    tail_window_seconds: Annotated[
        int,
        _about("How much of the log the gateway keeps in view.", unit="s", ge=10, le=86_400),
    ] = 900
    tail_generations_max: Annotated[
        int, _about("Generations that this view holds.", ge=100, le=1_000_000)
    ] = 50_000
    tail_changes_max: Annotated[
        int,
        _about("Changes kept for streams to resume from; older ones are re-read.", ge=0, le=10**6),
    ] = 100_000
    streams_max: Annotated[int, _about("Open event streams.", ge=0, le=100_000)] = 2000
    streams_per_account_max: Annotated[
        int, _about("Open event streams of one account.", ge=1, le=1000)
    ] = 10
    stream_queue_max: Annotated[
        int,
        _about("Events that wait for a slow reader before it is cut off.", ge=1, le=10_000),
    ] = 256
    stream_heartbeat_seconds: Annotated[
        float, _about("The longest silence on a stream.", unit="s", gt=0, le=300)
    ] = 15.0
    stream_ticket_ttl_seconds: Annotated[
        int, _about("How long a stream ticket is good for.", unit="s", ge=10, le=3600)
    ] = 120

    # Limits: of one address, sign-in, account or API key, over all gateways that share a store.
    redis_url: Annotated[
        str | None,
        _about(
            "Where several gateways count together; unset: each counts for itself, in memory.",
            env="REDIS_URL",
            secret=True,
        ),
    ] = None
    redis_timeout_seconds: Annotated[
        float,
        _about(
            "How long the shared store may take before a gateway counts for itself.",
            unit="s",
            gt=0,
            le=10,
        ),
    ] = 0.25
    trusted_proxies: Annotated[
        str,
        _about("Addresses and networks, `10.0.0.0/8,…`; only these may set `X-Forwarded-For`."),
    ] = ""
    cors_origins: Annotated[
        str,
        _about("Origins, `https://app.example,…`, whose pages may call this service."),
    ] = ""
    limit_address_per_minute: Annotated[
        int, _about("Requests of one outside address in a minute.", ge=1, le=10_000_000)
    ] = 3000
    limit_sign_ins_per_minute: Annotated[
        int, _about("Sign-ins from one outside address in a minute.", ge=1, le=10_000_000)
    ] = 60
    limit_failures_per_minute: Annotated[
        int,
        _about(
            "Credentials from one outside address that were refused, in a minute.",
            ge=1,
            le=10_000_000,
        ),
    ] = 60
    limit_account_per_minute: Annotated[
        int, _about("Requests of one account in a minute.", ge=1, le=10_000_000)
    ] = 1200
    limit_api_key_requests: Annotated[
        int,
        _about("Requests with one API key in `limit_api_key_window_seconds`.", ge=1, le=10_000_000),
    ] = 100
    limit_api_key_window_seconds: Annotated[
        int, _about("The time over which an API key's requests count.", unit="s", ge=1, le=86_400)
    ] = 900
    limit_account_in_flight: Annotated[
        int, _about("Requests of one account worked on at once.", ge=1, le=100_000)
    ] = 100
    limit_address_in_flight: Annotated[
        int, _about("Requests of one outside address worked on at once.", ge=1, le=100_000)
    ] = 500
    limits_kept_max: Annotated[
        int,
        _about("How many accounts, addresses or keys of a kind are counted.", ge=1, le=1_000_000),
    ] = 50_000
    headers_max_bytes: Annotated[
        int, _about("All headers of a request together.", unit="B", ge=1024, le=65_536)
    ] = 32_768
    address_max_bytes: Annotated[
        int, _about("The path and query of a request.", unit="B", ge=256, le=65_536)
    ] = 8192

    # Projections.
    projection_batch_events: Annotated[
        int, _about("Events that a projector folds into one transaction.", ge=1, le=100_000)
    ] = 5_000
    projection_cache_accounts: Annotated[
        int,
        _about("Folded accounts that a projector keeps in memory, 2 KB each.", ge=1, le=1_000_000),
    ] = 20_000
    projection_fetch_wait_ms: Annotated[
        int,
        _about("How long the brokers wait for more before they answer.", unit="ms", ge=1, le=5_000),
    ] = 50

    # Image models.
    openai_api_key: Annotated[
        str | None, _about("Switches the provider `openai` on.", env="OPENAI_API_KEY", secret=True)
    ] = None
    openai_base_url: Annotated[
        str | None, _about("Another address of the OpenAI API.", env="OPENAI_BASE_URL")
    ] = None
    openai_image_model: Annotated[
        str, _about("The OpenAI image model.", env="OPENAI_IMAGE_MODEL")
    ] = "gpt-image-1.5"
    provider_timeout_seconds: Annotated[
        float, _about("How long one provider call may take.", unit="s", gt=0, le=900)
    ] = 180.0
    local_latency_seconds: Annotated[
        float, _about("How long the provider `local` pretends to think.", unit="s", ge=0, le=600)
    ] = 1.0
    provider_attempts: Annotated[
        int,
        _about("How often a call that surely cost nothing is tried in all.", ge=1, le=10),
    ] = 3
    provider_backoff_seconds_max: Annotated[
        float,
        _about("The longest pause before such a call is tried again.", unit="s", ge=0, le=300),
    ] = 30.0
    local_render: Annotated[
        Literal["picture", "flat"],
        _about("What the provider `local` draws; `flat`: one colour, at next to no cost."),
    ] = "picture"

    # The worker.
    objects: Annotated[
        Literal["s3", "memory"],
        _about("Where pictures go; `memory` forgets them and is for benchmarks, embedded only."),
    ] = "s3"
    worker_group: Annotated[
        str,
        _about(
            "The consumer group that spreads jobs over the workers; another one reads them anew.",
            pattern="^[a-z0-9-]{1,100}$",
        ),
    ] = "pixelpop-worker"
    worker_jobs: Annotated[
        int, _about("Jobs that one worker performs at once.", unit="jobs", ge=1, le=1000)
    ] = 64
    jobs_in_flight_max: Annotated[
        int,
        _about(
            "Jobs that all workers together perform at once; what is beyond that waits in line.",
            unit="jobs",
            ge=1,
            le=100_000,
        ),
    ] = 100
    worker_window_records: Annotated[
        int,
        _about(
            "Jobs of one partition between the oldest unfinished and the newest taken.",
            unit="records",
            ge=1,
            le=100_000,
        ),
    ] = 1024
    worker_image_threads: Annotated[
        int,
        _about("Threads that draw, check and shrink pictures.", unit="threads", ge=1, le=64),
    ] = 2
    worker_lease_seconds: Annotated[
        float,
        _about(
            "How long a claim outlives a worker that stops renewing it.", unit="s", ge=1, le=300
        ),
    ] = 12.0
    worker_retry_seconds: Annotated[
        float,
        _about(
            "How long one step of a job is tried while a server is away.", unit="s", ge=0, le=600
        ),
    ] = 60.0
    worker_commit_seconds: Annotated[
        float, _about("How often finished jobs are committed.", unit="s", ge=0.05, le=60)
    ] = 1.0
    worker_drain_seconds: Annotated[
        float, _about("How long a stop waits for jobs under way.", unit="s", ge=0, le=900)
    ] = 20.0
    worker_stuck_seconds: Annotated[
        float,
        _about(
            "How long jobs may wait while none is finished before the worker starts anew.",
            unit="s",
            ge=1,
            le=86_400,
        ),
    ] = 480.0

    # Exports of everything that is known of an account.
    export_ttl_hours: Annotated[
        int, _about("For how long its files can be fetched.", unit="hours", ge=1, le=720)
    ] = 24
    export_part_bytes: Annotated[
        int,
        _about("About how large each of its files gets.", unit="bytes", ge=100_000, le=50_000_000),
    ] = 33_554_432

    # The eraser.
    erasure_sweep_again_seconds: Annotated[
        float,
        _about(
            "After how long an erased account's objects are swept again: longer than any job.",
            unit="s",
            ge=1,
            le=86_400,
        ),
    ] = 1800.0
    erasure_debt_days: Annotated[
        int,
        _about(
            "For how long after an erasure a charge-back still finds the person who owes it.",
            unit="days",
            ge=1,
            le=3650,
        ),
    ] = 180

    # Outbound webhooks.
    webhook_group: Annotated[
        str,
        _about(
            "The consumer group that spreads the log over the senders of webhooks.",
            pattern="^[a-z0-9-]{1,100}$",
        ),
    ] = "pixelpop-webhooks"
    webhook_allowed_networks: Annotated[
        str,
        _about(
            "Networks, `10.1.0.0/16,…`, that webhooks may be sent to although they are not public; "
            "also by http."
        ),
    ] = ""
    webhook_endpoints_max: Annotated[
        int, _about("Webhook endpoints of one account.", ge=1, le=100)
    ] = 10
    webhook_sends: Annotated[
        int, _about("Webhooks that one process sends at once.", ge=1, le=250)
    ] = 32
    webhook_sends_per_endpoint: Annotated[
        int,
        _about("Of these, to one endpoint: a slow one must not keep the others.", ge=1, le=250),
    ] = 4
    webhook_timeout_seconds: Annotated[
        float, _about("How long a receiver may take to answer.", unit="s", gt=0, le=60)
    ] = 15.0
    webhook_poll_seconds: Annotated[
        float, _about("How often webhooks that are due are looked for.", unit="s", ge=0.05, le=60)
    ] = 1.0
    webhook_secret_overlap_seconds: Annotated[
        int,
        _about("How long the old secret still signs after a rotation.", unit="s", ge=0, le=604_800),
    ] = 86_400
    webhook_event_days: Annotated[
        int,
        _about("What was decided longer ago is not told any more.", unit="days", ge=1, le=365),
    ] = 7
    webhook_log_days: Annotated[
        int,
        _about(
            "How long deliveries are kept; longer than events are told.", unit="days", ge=2, le=730
        ),
    ] = 30

    # The decider.
    decider_snapshot_every_records: Annotated[
        int,
        _about(
            "How many records of a partition are folded between two snapshots of it.",
            unit="records",
            ge=100,
        ),
    ] = 200_000

    # Telemetry.
    log_format: Annotated[
        Literal["auto", "json", "pretty"],
        _about("`auto`: pretty on a terminal, JSON otherwise."),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], _about("The least severe line to print.")
    ] = "info"

    def __repr__(self) -> str:
        """Name only what differs from the defaults, and no secret's value."""
        shown = []
        for env, field, about in variables():
            value = getattr(self, field.name)
            if value != field.default:
                secret = (about.extra or {}).get("secret")
                shown.append(f"{env}={'(hidden)' if secret else value}")
        return f"Settings({', '.join(shown)})"


def variables() -> Iterator[tuple[str, msgspec.inspect.Field, Meta]]:
    """Every setting as (environment variable, field, its description)."""
    hints = msgspec.inspect.type_info(Settings)
    assert isinstance(hints, msgspec.inspect.StructType)
    annotations = _annotations()
    for field in hints.fields:
        about = annotations[field.name]
        env = (about.extra or {}).get("env") or PREFIX + field.name.upper()
        yield env, field, about


def _annotations() -> dict[str, Meta]:
    hints = typing.get_type_hints(Settings, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


def load(environ: Mapping[str, str] | None = None, *, dotenv: Path | None = None) -> Settings:
    """Read all settings.

    Raises:
        SettingsError: a variable is unknown or its value cannot be used; the message names it.
    """
    values: dict[str, str] = {}
    if environ is None:
        path = dotenv or Path(".env")
        if path.exists():
            values |= {key: value or "" for key, value in dotenv_values(path).items()}
        values |= os.environ
    else:
        values |= environ
    fields = {env: field for env, field, _ in variables()}
    _refuse_unknown(values, fields)
    given = {env: values[env] for env in fields if values.get(env, "") != ""}
    chosen: dict[str, Any] = {}
    for env, text in given.items():
        field = fields[env]
        try:
            one = msgspec.convert({field.name: text}, Settings, strict=False, dec_hook=_decode)
        except msgspec.ValidationError as error:
            reason = str(error).split(" - at ")[0]
            secret = (_annotations()[field.name].extra or {}).get("secret")
            shown = "(hidden)" if secret else repr(text)
            raise SettingsError(f"{env} is {shown}, which cannot be used: {reason}.") from error
        chosen[field.name] = getattr(one, field.name)
    return Settings(**chosen)


def _decode(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value).expanduser()
    raise NotImplementedError(kind)


def _refuse_unknown(values: Mapping[str, str], known: Mapping[str, object]) -> None:
    for name in sorted(values):
        if name.startswith(PREFIX) and name not in known and not name.startswith("PIXELPOP_TEST_"):
            # Without the prefix, which alone makes all of them look alike.
            short = {one.removeprefix(PREFIX): one for one in known}
            close = difflib.get_close_matches(name.removeprefix(PREFIX), short, n=1)
            hint = " See .env.example for all settings."
            if close:
                hint = f" Did you mean {short[close[0]]}?"
            raise SettingsError(f"{name} is not a setting of Pixelpop.{hint}")


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables that make a child process load equal settings; defaults are left out."""
    environment: dict[str, str] = {}
    for env, field, _ in variables():
        value = getattr(settings, field.name)
        if value != field.default:
            environment[env] = str(value).lower() if isinstance(value, bool) else str(value)
    return environment
