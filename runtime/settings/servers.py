"""The servers that Pixelpop works with, and the secrets it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from runtime.settings.about import about
from runtime.settings.places import Places


class Servers(Places, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The servers that Pixelpop works with, and the secrets it holds."""

    # Outside servers.
    kafka_bootstrap_servers: Annotated[
        str | None,
        about("Kafka brokers, `host:port,…`; unset: embedded.", env="KAFKA_BOOTSTRAP_SERVERS"),
    ] = None
    kafka_security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        about("How to speak to the brokers.", env="KAFKA_SECURITY_PROTOCOL"),
    ] = "PLAINTEXT"
    kafka_sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        about("The SASL mechanism.", env="KAFKA_SASL_MECHANISM"),
    ] = "SCRAM-SHA-512"
    kafka_sasl_username: Annotated[
        str | None, about("The SASL user.", env="KAFKA_SASL_USERNAME")
    ] = None
    kafka_sasl_password: Annotated[
        str | None, about("The SASL password.", env="KAFKA_SASL_PASSWORD", secret=True)
    ] = None
    kafka_ssl_cafile: Annotated[
        Path | None, about("PEM file with the brokers' authority.", env="KAFKA_SSL_CAFILE")
    ] = None
    kafka_partitions: Annotated[
        int,
        about(
            "Partitions of each topic; fixed when the topics are made, checked at every start.",
            ge=1,
            le=1000,
        ),
    ] = 6
    kafka_replication: Annotated[
        int,
        about("Replicas of each topic; the embedded broker has one.", ge=1, le=7),
    ] = 3
    kafka_start_timeout_seconds: Annotated[
        float, about("How long a start waits for the brokers.", unit="s", gt=0, le=600)
    ] = 30.0
    kafka_request_timeout_seconds: Annotated[
        float,
        about("How long a broker may take to answer one request.", unit="s", ge=0.1, le=300),
    ] = 15.0
    kafka_append_timeout_seconds: Annotated[
        float,
        about("How long an append waits for its ack before it gives up.", unit="s", gt=0, le=300),
    ] = 10.0
    kafka_record_max_bytes: Annotated[
        int,
        about(
            "The largest record (key, value, headers); below the broker's 1 MiB with a margin.",
            unit="B",
            ge=1_000,
            le=1_000_000,
        ),
    ] = 900_000
    kafka_batch_bytes: Annotated[
        int,
        about("The largest batch of records sent at once.", unit="B", ge=1_000, le=1_000_000),
    ] = 262_144
    kafka_buffer_records: Annotated[
        int, about("Records that one process may have waiting for acks.", ge=1, le=1_000_000)
    ] = 100_000
    kafka_buffer_bytes: Annotated[
        int,
        about(
            "Bytes that one process may have waiting for acks; below the broker's 100 MiB request.",
            unit="B",
            ge=1_000,
            le=96_000_000,
        ),
    ] = 64_000_000
    kafka_compression: Annotated[
        Literal["none", "zstd"],
        about("How batches travel to the broker; what is not zstd it compresses again itself."),
    ] = "zstd"
    kafka_zstd_level: Annotated[
        int, about("How hard zstd tries; events do not get smaller by more.", ge=1, le=22)
    ] = 1
    kafka_queue_records: Annotated[
        int, about("Records that a reader holds ahead of its user.", ge=1, le=1_000_000)
    ] = 10_000
    kafka_queue_bytes: Annotated[
        int,
        about("Bytes that a reader holds ahead of its user.", unit="B", ge=1_000, le=2**31),
    ] = 67_108_864
    kafka_session_timeout_seconds: Annotated[
        float,
        about("How soon a silent member of a group is replaced.", unit="s", ge=6, le=300),
    ] = 10.0
    database_url: Annotated[
        str | None,
        about(
            "This process's PostgreSQL; unset: embedded. `up` and `migrate` need the owner's.",
            env="DATABASE_URL",
            secret=True,
        ),
    ] = None
    database_pooler: Annotated[
        Literal["none", "transaction"],
        about("`transaction` when DATABASE_URL is a transaction-mode pooler such as PgBouncer."),
    ] = "none"
    database_pool_size: Annotated[
        int, about("PostgreSQL connections of one process.", ge=1, le=200)
    ] = 10
    database_connect_timeout_seconds: Annotated[
        float,
        about("How long a start waits for PostgreSQL to answer.", unit="s", gt=0, le=300),
    ] = 15.0
    database_acquire_timeout_seconds: Annotated[
        float,
        about("How long a query may wait for a free connection.", unit="s", gt=0, le=60),
    ] = 5.0
    database_command_timeout_seconds: Annotated[
        float, about("How long one SQL statement may take.", unit="s", gt=0, le=3600)
    ] = 30.0
    s3_endpoint_url: Annotated[
        str | None, about("The S3 API; unset: embedded.", env="S3_ENDPOINT_URL")
    ] = None
    s3_public_endpoint_url: Annotated[
        str | None,
        about(
            "The S3 API as clients reach it; unset: S3_ENDPOINT_URL.", env="S3_PUBLIC_ENDPOINT_URL"
        ),
    ] = None
    s3_bucket: Annotated[str, about("The bucket.", env="S3_BUCKET")] = "pixelpop"
    s3_region: Annotated[str, about("The bucket's region.", env="AWS_REGION")] = "us-east-1"
    s3_access_key_id: Annotated[str | None, about("S3 access key.", env="AWS_ACCESS_KEY_ID")] = None
    s3_secret_access_key: Annotated[
        str | None, about("S3 secret key.", env="AWS_SECRET_ACCESS_KEY", secret=True)
    ] = None
    s3_connections: Annotated[
        int, about("Connections to the S3 API of one process.", ge=1, le=1000)
    ] = 50
    s3_attempts: Annotated[int, about("How often one S3 request is tried in all.", ge=1, le=10)] = 4
    s3_connect_timeout_seconds: Annotated[
        float, about("How long connecting to the S3 API may take.", unit="s", gt=0, le=60)
    ] = 5.0
    s3_read_timeout_seconds: Annotated[
        float, about("How long the S3 API may be silent.", unit="s", gt=0, le=300)
    ] = 20.0
    s3_call_timeout_seconds: Annotated[
        float,
        about("How long one call may take with all its attempts.", unit="s", gt=0, le=600),
    ] = 60.0
    s3_object_bytes_max: Annotated[
        int,
        about("The largest object that is read or written whole.", unit="bytes", ge=1024),
    ] = 67_108_864

    # Secrets: generated once into the data directory in embedded mode, required otherwise.
    jwt_secret: Annotated[
        Annotated[str, Meta(min_length=32)] | None,
        about("Signs access tokens.", env="JWT_SECRET", secret=True),
    ] = None
    jwt_other_secrets: Annotated[
        str,
        about(
            "Secrets whose access tokens are good too, with commas: the one before, or the next.",
            env="JWT_OTHER_SECRETS",
            secret=True,
        ),
    ] = ""
    master_key: Annotated[
        Annotated[str, Meta(pattern="^[A-Za-z0-9+/]{43}=$")] | None,
        about("32 bytes in base64; wraps the accounts' keys.", secret=True),
    ] = None
    other_master_keys: Annotated[
        str | None,
        about(
            "Further master keys, with commas, newest first: they open what they wrapped.",
            secret=True,
        ),
    ] = None
    marks_key: Annotated[
        Annotated[str, Meta(pattern="^[A-Za-z0-9+/]{43}=$")] | None,
        about(
            "Makes the marks of bans and spent welcomes; unset: derived from the oldest master "
            "key. Never change it.",
            secret=True,
        ),
    ] = None
    secrets_file: Annotated[
        Path | None,
        about(
            "A JSON file of secrets that are not set here; `keys rotate` writes it, running "
            "processes read it again."
        ),
    ] = None
    telegram_bot_token: Annotated[
        str | None,
        about("The bot whose MiniApp this is.", env="TELEGRAM_BOT_TOKEN", secret=True),
    ] = None
