"""The embedded object storage: S3Proxy over plain files below the data directory."""

from __future__ import annotations

import os
import shutil
from http import HTTPStatus
from pathlib import Path

from runtime import probe
from runtime.disk import naming_full_disk
from runtime.embedded import artifacts, virtual_machine
from runtime.embedded.server import EmbeddedServer
from runtime.ports import remembered_port

HEAP_MIB = 128
THREADS_MAX = 24

OPTIONS = ("-XX:+UseSerialGC",)
"""It waits for the disk, not for the processor: the smaller collector is enough."""


class EmbeddedS3(EmbeddedServer):
    """S3Proxy 4.1.0 with signed requests (SigV4), path style."""

    name = "s3"
    title = "S3Proxy"

    def __init__(
        self,
        data_dir: Path,
        *,
        class_path: str,
        cache: Path,
        access_key_id: str,
        secret_access_key: str,
        port: int = 0,
    ) -> None:
        super().__init__(data_dir)
        self._configured_port = port
        self._java = artifacts.java()
        self._class_path = class_path
        self._archives = virtual_machine.archives("s3proxy", self._java, class_path, cache)
        self._keys = (access_key_id, secret_access_key)

    async def start(self) -> str:
        """Start, wait until it refuses an unsigned request as S3 does, return its address."""
        await self.end_leftover()
        self.port = remembered_port(
            self.folder / "port", self._configured_port, "PIXELPOP_EMBEDDED_S3_PORT"
        )
        with naming_full_disk(self.data_dir):
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._write_configuration()
            await self._launch(self._command())
        await self._until_ready(self._answers)
        return f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """End the server; what it leaves for a faster next start is kept."""
        await super().stop()
        self._archives.keep()

    @property
    def _temporary(self) -> Path:
        return self.folder / "tmp"

    def _command(self) -> list[str]:
        logging = f"-Dlogback.configurationFile={self.folder / 'logback.xml'}"
        return virtual_machine.command(
            self._java,
            options=[*OPTIONS, *self._archives.options(), logging],
            class_path=self._class_path,
            main_class="org.gaul.s3proxy.Main",
            arguments=["--properties", str(self.folder / "s3proxy.properties")],
            heap_mib=HEAP_MIB,
            temporary=self._temporary,
        )

    def _write_configuration(self) -> None:
        objects = self.folder / "objects"
        objects.mkdir(parents=True, exist_ok=True)
        identity, credential = self._keys
        values: dict[str, object] = {
            "s3proxy.endpoint": f"http://127.0.0.1:{self.port}",
            "s3proxy.authorization": "aws-v4",
            "s3proxy.identity": identity,
            "s3proxy.credential": credential,
            "s3proxy.jetty.max-threads": THREADS_MAX,
            # Browsers send photos here from the app's origin; what may be sent, its form says.
            "s3proxy.cors-allow-origins": "*",
            "s3proxy.cors-allow-methods": "GET POST",
            "s3proxy.cors-allow-headers": "*",
            "jclouds.provider": "filesystem-nio2",
            "jclouds.identity": identity,
            "jclouds.credential": credential,
            "jclouds.filesystem.basedir": objects,
        }
        file = self.folder / "s3proxy.properties"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(virtual_machine.properties(values))
        (self.folder / "logback.xml").write_text(LOGBACK)

    async def _answers(self) -> bool:
        answer = await probe.get(self.port)
        return answer.status == HTTPStatus.FORBIDDEN and b"AccessDenied" in answer.body


# S3Proxy logs every request at DEBUG unless told otherwise.
LOGBACK = """\
<configuration>
  <statusListener class="ch.qos.logback.core.status.NopStatusListener"/>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %-5level %logger{20} %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
"""
