"""A Faust app: a group that spreads a topic over processes, configured as design §4 demands.

Read from Faust's source (0.15.3), and why each setting is what it is:

- `cython_optimizations` with the compiled stream: the pure-Python stream acks an event of an
  assignment that is over, ours does not (`streams.py`, "skipped_value"); a start without it fails.
- `stream_wait_empty=False`: a rebalance must not wait for a picture that takes a minute.
- `topic_disable_leader`, `topic_allow_declare=False`: Faust makes no topics.
- `consumer_auto_offset_reset="earliest"`: the only cursor here that may begin anew, because a job
  that is read again finds its claim, and one that is skipped is lost.
- `TableManager`: its own waits a second at every start for tables to be declared; there are none.
- The web server, the log set-up and the signal handlers of Faust's own worker are not used.
"""

from __future__ import annotations

import logging
import ssl
from typing import Any
from urllib.parse import quote

import faust
from faust import streams
from faust.auth import SASLCredentials, SSLCredentials
from faust.tables import TableManager

from runtime.errors import StartError
from runtime.kafka.connect import client_options
from runtime.settings import Settings

FETCH_BYTES_MAX = 1_048_576
"""Per partition; a job has a few hundred bytes."""
POLL_RECORDS_MAX = 500
HEARTBEATS_PER_SESSION = 4
POLL_INTERVAL_SECONDS_MAX = 1800.0
"""How long the agent may make Kafka wait while every slot is taken by slow pictures."""


def instance_id(settings: Settings, group: str) -> str:
    """The static member of the group that this running slot is."""
    return f"{group}-{settings.slot}"


def make_app(settings: Settings, group: str, *, role: str = "worker") -> faust.App:
    """The app, not started; must be called on the running event loop.

    Args:
        settings: of this process.
        group: the consumer group that spreads the topic over copies of this process.
        role: what this process is, for the broker's log and for its folder.

    Raises:
        StartError: Faust came without its compiled parts.
        SettingsError: the brokers cannot be reached as configured.
    """
    if streams._CStreamIterator is None:  # noqa: SLF001  what Faust itself asks
        raise StartError(
            "Faust was installed without its compiled parts, which the worker relies on. Install "
            "faust-streaming from a wheel, or with a C compiler, and unset NO_CYTHON."
        )
    options = client_options(settings, role=role)
    state_dir = settings.data_dir.absolute() / role / settings.slot
    state_dir.mkdir(parents=True, exist_ok=True)  # Faust makes only its last part
    session_seconds = settings.kafka_session_timeout_seconds
    return faust.App(
        group,
        broker=";".join(
            f"kafka://{quote(one, safe=':[]')}" for one in options["bootstrap_servers"]
        ),
        broker_client_id=options["client_id"],
        broker_credentials=_credentials(options),
        ssl_context=options.get("ssl_context"),
        broker_request_timeout=max(settings.kafka_request_timeout_seconds, session_seconds + 1),
        broker_session_timeout=session_seconds,
        broker_heartbeat_interval=session_seconds / HEARTBEATS_PER_SESSION,
        broker_rebalance_timeout=session_seconds,
        broker_max_poll_interval=POLL_INTERVAL_SECONDS_MAX,
        broker_max_poll_records=POLL_RECORDS_MAX,
        broker_commit_interval=settings.worker_commit_seconds,
        consumer_group_instance_id=instance_id(settings, group),
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=FETCH_BYTES_MAX,
        processing_guarantee="at_least_once",
        stream_buffer_maxsize=settings.worker_jobs,
        stream_wait_empty=False,
        stream_processing_timeout=settings.worker_stuck_seconds,
        cython_optimizations=True,
        topic_disable_leader=True,
        topic_allow_declare=False,
        reply_create_topic=False,
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        datadir=str(state_dir),
        autodiscover=False,
        TableManager=_NoTables,
        logging_config=None,
        worker_redirect_stdouts=False,
    )


class _NoTables(TableManager):  # type: ignore[misc]  # Faust ships no types
    logger = logging.getLogger("faust.tables")

    async def on_start(self) -> None:
        """As Faust's own, without its wait."""
        await self._update_channels()
        await self.recovery.start()


def raw_topic(app: faust.App, name: str) -> Any:
    """A topic as raw bytes: decoding happens where its failure can be handled."""
    return app.topic(
        name,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        allow_empty=True,
        internal=False,
    )


def _credentials(options: dict[str, Any]) -> Any:
    protocol = options["security_protocol"]
    context: ssl.SSLContext | None = options.get("ssl_context")
    if protocol.startswith("SASL"):
        return SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=context,
        )
    return SSLCredentials(context) if protocol == "SSL" else None
