"""The embedded Kafka: one node that is broker and controller, below the data directory.

It survives `kill -9` of itself and of everybody else; it has one replica, so it does not survive
the loss of the disk, nor surely the loss of power.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import signal
import uuid
from pathlib import Path

import structlog

from runtime.disk import naming_full_disk
from runtime.embedded import artifacts, virtual_machine
from runtime.embedded.server import EmbeddedServer, listens
from runtime.errors import StartError
from runtime.ports import remembered_port
from runtime.spawning import end, forget, spawn

log = structlog.get_logger(__name__)

HEAP_MIB = 512
FORMAT_TIMEOUT_SECONDS = 60.0
RECORD_BYTES_MAX = 1_048_588
"""1 MiB and the twelve bytes of a batch's frame: Kafka's own default, said aloud."""

OPTIONS = ("-Xms128m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20")


class EmbeddedKafka(EmbeddedServer):
    """Apache Kafka 4.3.1 in KRaft mode."""

    name = "kafka"
    title = "Kafka"

    def __init__(self, data_dir: Path, *, class_path: str, cache: Path, port: int = 0) -> None:
        super().__init__(data_dir)
        self._configured_port = port
        self._java = artifacts.java()
        self._class_path = class_path
        self._archives = virtual_machine.archives("kafka", self._java, class_path, cache)
        if "," in str(self.folder):
            raise StartError(f"Kafka cannot keep its log in {self.folder}: no comma is allowed.")

    async def start(self) -> str:
        """Start, wait until the broker names itself and its controller, return `host:port`."""
        await self.end_leftover()
        self.port = remembered_port(
            self.folder / "port", self._configured_port, "PIXELPOP_EMBEDDED_KAFKA_PORT"
        )
        controller_port = remembered_port(self.folder / "controller.port", 0, "")
        with naming_full_disk(self.data_dir):
            self._write_configuration(controller_port)
            shutil.rmtree(self._temporary, ignore_errors=True)
            await self._format_once()
            await self._launch(
                self._command("kafka.Kafka", [str(self._configuration)], self._archives.options())
            )
        address = f"127.0.0.1:{self.port}"
        await self._until_ready(self._answers)
        return address

    async def stop(self) -> None:
        """End the broker; what it leaves for a faster next start is kept."""
        await super().stop()
        self._archives.keep()

    @property
    def _configuration(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def _log_dir(self) -> Path:
        return self.folder / "log"

    def _command(self, main: str, arguments: list[str], options: list[str]) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"
        return virtual_machine.command(
            self._java,
            options=[*OPTIONS, *options, logging],
            class_path=self._class_path,
            main_class=main,
            arguments=arguments,
            heap_mib=HEAP_MIB,
            temporary=self._temporary,
        )

    def _write_configuration(self, controller_port: int) -> None:
        values = server_properties(self.port, controller_port, self._log_dir)
        self._configuration.write_text(virtual_machine.properties(values))
        (self.folder / "log4j2.properties").write_text(LOG4J2)

    async def _format_once(self) -> None:
        """Format the log directory; an interrupted try, on which nothing ever ran, is redone."""
        done = self.folder / "formatted"
        if done.exists():
            return
        shutil.rmtree(self._log_dir, ignore_errors=True)
        random = uuid.uuid4().bytes
        # One in 64 would begin with "-", which the tool takes for an option.
        random = bytes((random[0] & 0x7F,)) + random[1:]
        cluster = base64.urlsafe_b64encode(random).decode().rstrip("=")
        arguments = ["format", "--standalone", "-t", cluster, "-c", str(self._configuration)]
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        # The tool is Kafka's own code: most of its classes are in the broker's archive.
        quick = self._archives.existing()
        with self.log_file.open("ab") as output:
            process = await spawn(
                "kafka-format",
                self._command("kafka.tools.StorageTool", arguments, quick),
                run_dir=self.run_dir,
                death_signal=self.stop_signal,
                output=output.fileno(),
            )
        try:
            async with asyncio.timeout(FORMAT_TIMEOUT_SECONDS):
                status = await process.wait()
        finally:
            await end(process, signal.SIGKILL, FORMAT_TIMEOUT_SECONDS)
            forget(self.run_dir, "kafka-format")
        if status != 0:
            raise self._failure(f"could not format its log directory (status {status})")
        done.write_text(f"{cluster}\n")

    async def _answers(self) -> bool:
        if not await listens(self.port):
            return False
        from aiokafka.client import AIOKafkaClient
        from aiokafka.errors import KafkaError

        client = AIOKafkaClient(bootstrap_servers=f"127.0.0.1:{self.port}")
        try:
            await client.bootstrap()
            brokers = client.cluster.brokers()
        except KafkaError:
            return False
        finally:
            await client.close()
        return bool(brokers)


def server_properties(port: int, controller_port: int, log_dir: Path) -> dict[str, object]:
    """The broker's settings, where they differ from Kafka's own defaults for a reason."""
    address = f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}"
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "listeners": address,
        "advertised.listeners": address,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller_port}",
        "log.dirs": log_dir,
        # Topics are made on purpose, with their settings, or not at all.
        "auto.create.topics.enable": "false",
        "unclean.leader.election.enable": "false",
        "message.max.bytes": RECORD_BYTES_MAX,
        # One node.
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        # After kill -9 the broker's old self counts as alive this long, and the new one waits.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        # Nobody joins late on one machine, so nobody has to be waited for.
        "group.initial.rebalance.delay.ms": 0,
        # A small machine: few threads, and 8 MB for the compaction of two internal topics
        # where the default takes 128 MB of the heap at start.
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        "num.recovery.threads.per.data.dir": 2,
        "log.cleaner.dedupe.buffer.size": 8_388_608,
    }


LOG4J2 = """\
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %-5p %c{1} %m%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
"""
