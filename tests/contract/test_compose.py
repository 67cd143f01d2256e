"""docker-compose.yml and Dockerfile, as far as files can be checked: no engine runs them here.

The structure is held to a strict schema of what we use, a part of the compose specification's own
(https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json). How to hold it to
the whole of that schema stands in docs/deployment.md.
"""

from __future__ import annotations

import itertools
import re
import stat
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from runtime.settings import load, variables
from tests.contract.compose_schema import COMPOSE

ROOT = Path(__file__).parents[2]
OURS = (
    *("gateway", "decider", "worker", "projector", "eraser", "webhooks", "messages"),
    *("auditor", "prepare"),
)
SERVERS = ("kafka", "postgres", "s3")

COMPOSE_ONLY = {
    # What docker-compose.yml asks for and no process of ours reads: where it is explained.
    "POSTGRES_PASSWORD": "the database owner's password, for `prepare` alone",
    "GATEWAY_DB_PASSWORD": "the gateway's login",
    "DECIDER_DB_PASSWORD": "the decider's login",
    "WORKER_DB_PASSWORD": "the worker's login",
    "PROJECTOR_DB_PASSWORD": "the projector's login",
    "ERASER_DB_PASSWORD": "the eraser's login",
    "WEBHOOKS_DB_PASSWORD": "the login of the senders of webhooks",
    "MESSAGES_DB_PASSWORD": "the login of the senders of the bot's messages",
    "AUDITOR_DB_PASSWORD": "the auditor's login",
    "KAFKA_CLUSTER_ID": "the id that the log's volume is formatted with",
    "KAFKA_HEAP_OPTS": "the broker's memory",
    "KAFKA_PARTITIONS": "becomes PIXELPOP_KAFKA_PARTITIONS",
    "PUBLIC_URL": "becomes PIXELPOP_PUBLIC_URL",
    "GATEWAY_PORT": "where the gateway is published on this machine",
    "S3_PORT": "where the object store is published on this machine",
}
REFERENCE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)(?P<rule>:[?-])(?P<rest>[^}]*)\}")


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "docker-compose.yml").read_text()


@pytest.fixture(scope="module")
def compose(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


def test_structure(compose: dict[str, Any]) -> None:
    """Every key is one that the compose specification knows, with a value of its type."""
    jsonschema.validate(compose, COMPOSE)


def test_services(compose: dict[str, Any]) -> None:
    """The file runs the processes of the design and their three servers, and nothing else."""
    assert set(compose["services"]) == {*OURS, *SERVERS}


def test_commands_exist(compose: dict[str, Any]) -> None:
    """Every `pixelpop` command that a service runs is one that the command line has."""
    import pixelpop

    for name in OURS:
        command, *arguments = compose["services"][name]["command"]
        assert command in pixelpop.app, f"{name} runs `pixelpop {command}`, which does not exist"
        assert arguments == []


def test_variables_of_our_processes_are_settings(compose: dict[str, Any]) -> None:
    """Every variable that a process of ours is given is one of its settings."""
    known = {name for name, _, _ in variables()}
    for name in OURS:
        given = set(compose["services"][name]["environment"])
        assert given <= known, f"{name}: {sorted(given - known)}"


def test_values_of_our_processes_are_accepted(compose: dict[str, Any]) -> None:
    """With the variables of a sensible .env, every process of ours can load its settings."""
    sample = {
        "TELEGRAM_BOT_TOKEN": "1:token",
        "JWT_SECRET": "0" * 64,
        "PIXELPOP_MASTER_KEY": "A" * 43 + "=",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
    } | {name: "password" for name in COMPOSE_ONLY if name.endswith("_PASSWORD")}
    for name in OURS:
        environment = compose["services"][name]["environment"]
        settings = load({key: _filled(value, sample) for key, value in environment.items()})
        assert settings.kafka_bootstrap_servers == "kafka:9092"
        assert settings.kafka_replication == 1
        assert settings.database_url is not None
        assert not settings.embedded


def test_references_are_explained(text: str) -> None:
    """Every variable of .env is a setting or is listed here; required ones say what to do."""
    known = {name for name, _, _ in variables()}
    used = {found["name"] for found in REFERENCE.finditer(text)}
    assert used <= known | set(COMPOSE_ONLY)
    assert set(COMPOSE_ONLY) <= used, "a variable listed here is not used any more"
    assert text.count("${") == len(REFERENCE.findall(text)), "a reference without :? or :-"
    for found in REFERENCE.finditer(text):
        if found["rule"] == ":?":
            assert found["rest"], f"{found['name']} is required and does not say what to do"


def test_no_reference_would_stop_a_local_start(text: str) -> None:
    """The same .env may lie beside `make run`: no compose variable looks like a wrong setting."""
    known = {name for name, _, _ in variables()}
    used = {found["name"] for found in REFERENCE.finditer(text)}
    assert all(name in known for name in used if name.startswith("PIXELPOP_"))


def test_new_env_gives_what_is_required(text: str) -> None:
    """deploy/new-env.sh prints every required variable, and none that is not used."""
    required = {found["name"] for found in REFERENCE.finditer(text) if found["rule"] == ":?"}
    script = (ROOT / "deploy" / "new-env.sh").read_text()
    assert set(re.findall(r"^([A-Z0-9_]+)=", script, re.MULTILINE)) == required


def test_secrets_are_required(compose: dict[str, Any]) -> None:
    """No secret has a default: a password that everybody knows is none."""
    secret = {name for name, _, about in variables() if (about.extra or {}).get("secret")}
    optional = {
        "OPENAI_API_KEY",
        "BEDROCK_SECRET_ACCESS_KEY",
        "COMFYUI_TOKEN",
        "FAL_KEY",
        "REPLICATE_API_TOKEN",
        "REPLICATE_WEBHOOK_SECRETS",
        "TELEGRAM_WEBHOOK_SECRET",
        "DATABASE_URL",
    }
    for name, service in compose["services"].items():
        for key, value in service["environment"].items():
            if (key in secret or key.endswith("PASSWORD")) and key not in optional:
                assert ":?" in value, f"{name}: {key}"


def test_each_process_has_its_own_login(compose: dict[str, Any]) -> None:
    """No process but `prepare` connects as the owner, and no two share a login."""
    users = {}
    for name in OURS:
        url = compose["services"][name]["environment"]["DATABASE_URL"]
        users[name] = re.match(r"postgresql://([a-z]+):\$\{([A-Z_]+):\?", url)
    found = {name: match.groups() for name, match in users.items() if match}
    assert found.pop("prepare") == ("pixelpop", "POSTGRES_PASSWORD")
    assert found == {name: (name, f"{name.upper()}_DB_PASSWORD") for name in OURS[:-1]}
    script = (ROOT / "deploy" / "postgres-init" / "10-logins.sh").read_text()
    logins = dict(re.findall(r'^login ([a-z]+) "\$([A-Z_]+)"', script, re.MULTILINE))
    assert logins == dict(found.values())


def test_ports_agree(compose: dict[str, Any]) -> None:
    """What is published, asked for health, and connected to is where the process listens."""
    services = compose["services"]
    gateway = services["gateway"]
    assert gateway["ports"][0].endswith(f":{gateway['environment']['PIXELPOP_PORT']}")
    assert ":8000/readyz" in gateway["healthcheck"]["test"][-1]
    for name in OURS[1:-1]:
        port = services[name]["environment"]["PIXELPOP_METRICS_PORT"]
        assert f":{port}/metrics" in services[name]["healthcheck"]["test"][-1]
    s3_port = services["s3"]["environment"]["S3PROXY_ENDPOINT"].rpartition(":")[2]
    assert services["s3"]["ports"][0].endswith(f":{s3_port}")
    assert services["s3"]["healthcheck"]["test"][-1].endswith(f"/{s3_port}")
    assert gateway["environment"]["S3_ENDPOINT_URL"] == f"http://s3:{s3_port}"
    assert "kafka:9092" in services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


def test_readiness_is_an_endpoint_of_the_gateway() -> None:
    """The gateway answers at the path that its health check asks."""
    assert "/readyz" in (ROOT / "schemas" / "openapi.json").read_text()


def test_health(compose: dict[str, Any]) -> None:
    """Everything that stays up has a health check, and who needs it waits for it."""
    services = compose["services"]
    for name in itertools.chain(OURS, SERVERS):
        assert ("healthcheck" in services[name]) == (name != "prepare")
    for name in OURS:
        waits = {key: value["condition"] for key, value in services[name]["depends_on"].items()}
        expected = dict.fromkeys(SERVERS, "service_healthy")
        if name != "prepare":
            expected["prepare"] = "service_completed_successfully"
        assert waits == expected


def test_health_timeouts(compose: dict[str, Any]) -> None:
    """No health check may still run when the next one is due."""
    for service in compose["services"].values():
        health = service.get("healthcheck")
        if health is not None:
            assert _seconds(health["timeout"]) < _seconds(health["interval"])


def test_volumes(compose: dict[str, Any], text: str) -> None:
    """Each server keeps its data in a volume of its own, and the file says what its loss means."""
    mounted = [
        one.partition(":")[0]
        for name in SERVERS
        for one in compose["services"][name]["volumes"]
        if not one.startswith("./")
    ]
    assert sorted(mounted) == sorted(compose["volumes"])
    assert len(mounted) == len(set(mounted)) == len(SERVERS)
    *_, declared = text.partition("\nvolumes:\n")
    for name in mounted:
        assert re.search(rf"(  # .+\n)+  {name}:\n", declared), f"no warning above {name}"
    assert "WARNING" in text


def test_mounted_files_exist(compose: dict[str, Any]) -> None:
    """What is mounted from the project is there, and scripts can be executed."""
    for name in SERVERS:
        for one in compose["services"][name]["volumes"]:
            if one.startswith("./"):
                folder = ROOT / one.partition(":")[0]
                scripts = list(folder.iterdir())
                assert scripts
                assert all(script.stat().st_mode & stat.S_IXUSR for script in scripts)


def test_grace_is_longer_than_a_provider_call(compose: dict[str, Any]) -> None:
    """A worker that is told to stop may finish the call that it has paid for."""
    environment = compose["services"]["worker"]["environment"]
    settings = load({key: value for key, value in environment.items() if "${" not in value})
    grace = _seconds(compose["services"]["worker"]["stop_grace_period"])
    assert grace >= settings.provider_timeout_seconds + 30


def test_images_are_pinned(compose: dict[str, Any], dockerfile: str) -> None:
    """No image floats: each names a version."""
    images = [compose["services"][name]["image"] for name in SERVERS]
    images += re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    for image in images:
        tag = image.rpartition(":")[2]
        assert re.search(r"\d", tag), image
        assert "latest" not in image


def test_not_root(dockerfile: str, compose: dict[str, Any]) -> None:
    """The processes run as an unprivileged user that owns its data directory, and only that."""
    user = re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE)[-1]
    uid = user.partition(":")[0]
    assert int(uid) > 0
    for name in OURS:
        service = compose["services"][name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert any(f"uid={uid}," in one for one in service["tmpfs"])


def _filled(value: str, sample: dict[str, str]) -> str:
    def fill(found: re.Match[str]) -> str:
        if found["name"] in sample:
            return sample[found["name"]]
        assert found["rule"] == ":-", f"{found['name']} is required and not in the sample"
        return found["rest"]

    return REFERENCE.sub(fill, value)


def _seconds(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60}[text[-1]]
