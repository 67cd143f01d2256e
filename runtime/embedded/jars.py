"""Which jars each Java server is made of, pinned by hash in `jars.lock`.

A line is `PROGRAM GROUP:ARTIFACT:VERSION SHA256 BYTES`; it names no address. `python -m
runtime.embedded.jars` resolves the coordinates below again and rewrites the file.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

LOCK = Path(__file__).with_name("jars.lock")
DOWNLOADS_AT_ONCE = 6

COORDINATES: dict[str, tuple[str, ...]] = {
    # `!`: take the version as it is. Without it the other project's dependency management would
    # move Kafka's own jars to other versions.
    "kafka": (
        "org.apache.kafka:kafka_2.13:4.3.1",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!",
    ),
    "s3proxy": ("org.gaul:s3proxy:4.1.0",),
}

# S3Proxy can also stand before clouds; the libraries for those are two thirds of its size, and its
# `filesystem-nio2` needs none of them.
UNUSED_GROUPS = (
    "com.azure",
    "com.github.openstack4j",
    "com.google.api",
    "com.google.api-client",
    "com.google.apis",
    "com.google.auth",
    "com.google.cloud",
    "com.google.http-client",
    "com.google.oauth-client",
    "com.google.protobuf",
    "com.microsoft.azure",
    "com.squareup",
    "io.grpc",
    "io.opencensus",
    "io.opentelemetry.contrib",
    "io.projectreactor",
    "net.java.dev.jna",
    "org.apache.sshd",
    "org.threeten",
)


class Jar(NamedTuple):
    """One pinned file of a Maven repository."""

    group: str
    artifact: str
    version: str
    sha256: str
    size_bytes: int

    @property
    def filename(self) -> str:
        """The name that Maven repositories give it."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> Path:
        """Where it stands in a Maven repository."""
        return Path(*self.group.split("."), self.artifact, self.version, self.filename)


def locked(program: str) -> list[Jar]:
    """The jars of one program, in class path order."""
    jars = []
    for line in LOCK.read_text().splitlines():
        name, coordinates, sha256, size = line.split()
        if name == program:
            group, artifact, version = coordinates.split(":")
            jars.append(Jar(group, artifact, version, sha256, int(size)))
    return jars


def resolve(program: str, repository: Path) -> list[Jar]:
    """Resolve a program's coordinates with jgo, downloading each jar to hash it."""
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=repository)
    wanted = [context.create_dependency(text) for text in COORDINATES[program]]
    inputs, transitive = context.resolver.resolve(wanted)
    artifacts = [dependency.artifact for dependency in inputs + transitive]
    used = [artifact for artifact in artifacts if not _unused(artifact.groupId)]
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        return list(pool.map(_pin, used))


def _unused(group: str) -> bool:
    return any(group == unused or group.startswith(f"{unused}.") for unused in UNUSED_GROUPS)


def _pin(artifact: Any) -> Jar:
    data = artifact.resolve().read_bytes()
    return Jar(
        artifact.groupId,
        artifact.artifactId,
        artifact.version,
        hashlib.sha256(data).hexdigest(),
        len(data),
    )


def main() -> None:
    """Rewrite the lock."""
    lines = []
    for program in COORDINATES:
        with tempfile.TemporaryDirectory() as repository:
            for jar in resolve(program, Path(repository)):
                coordinates = f"{jar.group}:{jar.artifact}:{jar.version}"
                lines.append(f"{program} {coordinates} {jar.sha256} {jar.size_bytes}\n")
    LOCK.write_text("".join(lines))
    sys.stdout.write(f"{LOCK}: {len(lines)} jars\n")


if __name__ == "__main__":
    main()
