"""How every Kafka client of Pixelpop reaches the brokers."""

from __future__ import annotations

import ssl
from typing import Any

from runtime.errors import SettingsError
from runtime.settings import Settings


def client_options(settings: Settings, *, role: str = "pixelpop") -> dict[str, Any]:
    """Keyword arguments that every aiokafka client takes.

    Args:
        settings: brokers, security and time limits.
        role: what the client is for; with the slot it names the client in the broker's logs.

    Raises:
        SettingsError: no brokers are set, SASL without a user or password, or an authority file
            that cannot be read.
    """
    if not settings.kafka_bootstrap_servers:
        raise SettingsError(
            "KAFKA_BOOTSTRAP_SERVERS is not set. Set it to your brokers (host:port,…), or run "
            "`pixelpop up`, which starts a Kafka of its own."
        )
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers.split(","),
        "client_id": f"{role}-{settings.slot}",
        "request_timeout_ms": round(settings.kafka_request_timeout_seconds * 1000),
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if settings.kafka_security_protocol.startswith("SASL"):
        if not settings.kafka_sasl_username or not settings.kafka_sasl_password:
            raise SettingsError(
                f"KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol}, which needs "
                "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD."
            )
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = settings.kafka_sasl_password
    return options


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    path = settings.kafka_ssl_cafile
    try:
        return ssl.create_default_context(cafile=None if path is None else str(path))
    except OSError as error:  # ssl.SSLError is one: a file that is no certificate
        raise SettingsError(f"KAFKA_SSL_CAFILE is {path}, which cannot be used: {error}") from error
