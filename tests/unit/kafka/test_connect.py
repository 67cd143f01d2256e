"""How clients reach the brokers."""

from __future__ import annotations

import pytest

from runtime.errors import SettingsError
from runtime.kafka.connect import client_options
from runtime.settings import Settings


def test_no_brokers_is_a_clear_refusal():
    """Without brokers the message names the variable to set."""
    with pytest.raises(SettingsError, match="KAFKA_BOOTSTRAP_SERVERS"):
        client_options(Settings())


def test_a_list_of_brokers_is_split():
    """Several brokers are several addresses."""
    options = client_options(Settings(kafka_bootstrap_servers="a:1,b:2", slot="7"), role="decider")
    assert options["bootstrap_servers"] == ["a:1", "b:2"]
    assert options["client_id"] == "decider-7"


def test_sasl_without_a_password_is_refused():
    """SASL needs a user and a password, and the message names both."""
    settings = Settings(kafka_bootstrap_servers="a:1", kafka_security_protocol="SASL_SSL")
    with pytest.raises(SettingsError, match="KAFKA_SASL_PASSWORD"):
        client_options(settings)


def test_sasl_over_tls_carries_both():
    """SASL_SSL gets a TLS context and the credentials."""
    options = client_options(
        Settings(
            kafka_bootstrap_servers="a:1",
            kafka_security_protocol="SASL_SSL",
            kafka_sasl_username="u",
            kafka_sasl_password="p",
        )
    )
    assert options["ssl_context"] is not None
    assert options["sasl_plain_username"] == "u"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"


def test_an_authority_file_that_is_none_is_refused(tmp_path):
    """A file that holds no certificate is named."""
    path = tmp_path / "ca.pem"
    path.write_text("nothing")
    settings = Settings(
        kafka_bootstrap_servers="a:1", kafka_security_protocol="SSL", kafka_ssl_cafile=path
    )
    with pytest.raises(SettingsError, match=r"ca\.pem"):
        client_options(settings)
