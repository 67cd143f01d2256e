"""The single checks of `pixelpop doctor`; each looks, and changes nothing."""

from __future__ import annotations

import shutil
import time
from http import HTTPStatus
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from runtime import data_lock, ports, probe, secrets
from runtime.embedded import artifacts
from runtime.embedded.jars import COORDINATES, locked
from runtime.embedded.servers import attach, is_embedded, starts_some
from runtime.errors import StartError
from runtime.preparing import Plan
from runtime.settings import Settings

DISK_FAIL_BYTES = 200_000_000
DISK_WARN_BYTES = 2_000_000_000
CLOCK_WARN_SECONDS = 2.0
CLOCK_FAIL_SECONDS = 60.0
"""Sign-in data and signed addresses carry times that others check against their own clock."""

State = Literal["ok", "warn", "fail"]


class Check(msgspec.Struct, frozen=True):
    """What one look found, and what a person can do about it."""

    name: str
    state: State
    said: str
    todo: str | None = None


class Scene(NamedTuple):
    """What there is to look at.

    Attributes:
        reachable: settings that name every server, when they are configured or run here.
        missing: why there are none otherwise.
    """

    settings: Settings
    plan: Plan
    holder: int | None
    reachable: Settings | None
    missing: str


def look_around(settings: Settings, plan: Plan) -> Scene:
    """Find the servers: the configured ones, or those of the `up` that runs here."""
    holder = data_lock.holder(settings.data_dir)
    try:
        return Scene(settings, plan, holder, attach(settings), "")
    except StartError as error:
        return Scene(settings, plan, holder, None, str(error))


def secrets_kept(scene: Scene) -> list[Check]:
    """Whether every secret is set, or can be made."""
    settings = scene.settings
    unset = [name for field, (name, _) in secrets.MADE.items() if getattr(settings, field) is None]
    if not unset:
        return [Check("secrets", "ok", "all set")]
    names = ", ".join(unset)
    if not is_embedded(settings):
        return [Check("secrets", "fail", f"{names} not set", "Set them in .env (see .env.example)")]
    file = secrets.SecretsFile(settings.data_dir)
    said = f"{names} come from {file.path}" if file.read() else f"{names} will be made"
    todo = None
    if settings.telegram_bot_token is None:
        todo = "Set TELEGRAM_BOT_TOKEN to open the MiniApp from Telegram itself"
    return [Check("secrets", "ok", said, todo)]


def programs(scene: Scene) -> list[Check]:
    """Whether the embedded servers' programs are here."""
    if not starts_some(scene.settings):
        return [Check("programs", "ok", "not needed, outside servers are configured")]
    artifacts.java()
    artifacts.postgres_programs()
    cache = scene.settings.cache_dir or artifacts.default_cache()
    jars = [jar for program in COORDINATES for jar in locked(program)]
    absent = [jar for jar in jars if not (cache / "maven" / jar.path).exists()]
    if absent:
        size = sum(jar.size_bytes for jar in absent) / 1e6
        said = f"{len(absent)} of {len(jars)} jars are not in {cache}"
        return [Check("programs", "warn", said, f"The next start downloads {size:.0f} MB")]
    return [Check("programs", "ok", f"Java, PostgreSQL and {len(jars)} jars are here")]


def disk(scene: Scene) -> list[Check]:
    """Whether there is room where we write."""
    settings = scene.settings
    folders = {settings.data_dir: "PIXELPOP_DATA_DIR"}
    if starts_some(settings):
        folders[settings.cache_dir or artifacts.default_cache()] = "PIXELPOP_CACHE_DIR"
    return [_room(folder, variable) for folder, variable in folders.items()]


def _room(folder: Path, variable: str) -> Check:
    existing = next(place for place in [folder, *folder.absolute().parents] if place.exists())
    free = shutil.disk_usage(existing).free
    said = f"{free / 1e9:.1f} GB free for {folder}"
    todo = f"Make room, or name another place in {variable}"
    if free < DISK_FAIL_BYTES:
        return Check("disk", "fail", said, todo)
    return (
        Check("disk", "warn", said, todo) if free < DISK_WARN_BYTES else Check("disk", "ok", said)
    )


def processes(scene: Scene) -> list[Check]:
    """Whether `up` runs on this data directory."""
    if scene.holder is None:
        return [Check("processes", "ok", f"nothing runs on {scene.settings.data_dir}")]
    return [Check("processes", "ok", f"`pixelpop up` runs as process {scene.holder}")]


async def front_door(scene: Scene) -> list[Check]:
    """Whether the gateway answers, or could listen."""
    settings = scene.settings
    if scene.holder is None:
        ports.require_free(settings.port, "PIXELPOP_PORT", settings.host)
        return [Check("port", "ok", f"{settings.port} is free")]
    answer = await probe.get(settings.port, "/readyz")
    if answer.status == HTTPStatus.OK:
        return [Check("port", "ok", f"the gateway answers on {settings.port} and is ready")]
    said = f"the gateway on {settings.port} is not ready (status {answer.status})"
    return [Check("port", "fail", said, f"See http://localhost:{settings.port}/readyz")]


def _absent(name: str, scene: Scene) -> list[Check]:
    """A server that is not there: fine before `up`, which starts it; a fault while it runs."""
    if scene.holder is None:
        return [Check(name, "ok", "`pixelpop up` will start one")]
    return [Check(name, "fail", scene.missing, "See the logs in the data directory")]


async def kafka(scene: Scene) -> list[Check]:
    """Whether the brokers answer and the topics are as they must be."""
    if scene.reachable is None:
        return _absent("kafka", scene)
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    from runtime.kafka.connect import client_options

    admin = AIOKafkaAdminClient(**client_options(scene.reachable, role="doctor"))
    where = scene.reachable.kafka_bootstrap_servers
    try:
        await admin.start()
        described = await admin.describe_topics()
    except KafkaError as error:
        return [
            Check("kafka", "fail", f"{where} does not answer: {error}", "Start it, or mend KAFKA_*")
        ]
    finally:
        await admin.close()
    found = {topic["topic"]: len(topic["partitions"]) for topic in described}
    return [Check("kafka", "ok", f"{where} answers"), *_topics(scene, found)]


def _topics(scene: Scene, found: dict[str, int]) -> list[Check]:
    checks = []
    for spec in scene.plan.topics:
        wanted = spec.partitions or scene.settings.kafka_partitions
        if spec.name not in found:
            checks.append(Check("topic", "warn", f"{spec.name} is missing", "pixelpop migrate"))
        elif found[spec.name] != wanted:
            said = f"{spec.name} has {found[spec.name]} partitions, the settings say {wanted}"
            checks.append(
                Check("topic", "fail", said, "Set PIXELPOP_KAFKA_PARTITIONS to what it has")
            )
    return checks or [Check("topics", "ok", f"{len(scene.plan.topics)} topics are as they must be")]


async def postgres(scene: Scene) -> list[Check]:
    """Whether PostgreSQL answers, who we are there, whether it is migrated, and its clock."""
    if scene.reachable is None:
        return _absent("postgres", scene)
    import asyncpg

    from runtime.queries import load_queries

    queries = load_queries(Path(__file__).with_suffix(".sql"))
    try:
        connection = await asyncpg.connect(scene.reachable.database_url, statement_cache_size=0)
    except (OSError, asyncpg.PostgresError) as error:
        return [
            Check("postgres", "fail", f"no connection: {error}", "Start it, or mend DATABASE_URL")
        ]
    try:
        row = await connection.fetchrow(queries.about)
        done = await connection.fetchval(queries.migrations) if row["migrated"] else []
    finally:
        await connection.close()
    checks = [Check("postgres", "ok", f"version {row['version']}, connected as {row['role']}")]
    left = sorted({file.stem for file in scene.plan.migrations.glob("*.sql")} - set(done))
    if left:
        said = f"{len(left)} migrations are to be applied: {', '.join(left)}"
        checks.append(Check("postgres", "warn", said, "pixelpop migrate"))
    return [*checks, clock("PostgreSQL", row["now"])]


async def storage(scene: Scene) -> list[Check]:
    """Whether the bucket is there, and the store's clock."""
    if scene.reachable is None:
        return _absent("storage", scene)
    from runtime.objects import open_objects

    async with open_objects(scene.reachable) as objects:
        await objects.head("doctor/nothing-is-here")
    said = f"the bucket {scene.reachable.s3_bucket} answers"
    return [Check("storage", "ok", said)]


def clock(whose: str, theirs: float) -> Check:
    """Compare a server's clock (seconds since 1970) with ours."""
    apart = abs(time.time() - theirs)
    said = f"{whose} and this machine are {apart:.1f} s apart"
    if apart < CLOCK_WARN_SECONDS:
        return Check("clock", "ok", said)
    state: State = "fail" if apart > CLOCK_FAIL_SECONDS else "warn"
    return Check("clock", state, said, "Set both by NTP")
