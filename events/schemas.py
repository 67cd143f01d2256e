"""`schemas/`: the JSON Schema of every event, job and progress note, and a golden record of each.

Generated, checked in, and compared: `check` tells what is not current, and what would no longer
read the log. Golden records are written once and never again: they are what old logs hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from events import asyncapi, examples, ids
from events.base import Decision, Fact
from events.codec import EVENT_TYPES, UPCASTS
from events.compatibility import incompatible
from events.envelope import headers_for
from events.jobs import DiscardJob, GenerateJob
from events.live import PartialPreview, Progress

FAMILIES: Final[dict[str, tuple[type[msgspec.Struct], ...]]] = {
    "events": tuple(EVENT_TYPES.values()),
    "jobs": (GenerateJob, DiscardJob),
    "live": (Progress, PartialPreview),
}
"""Folder → what stands in it; each also is a topic."""

_BASE: Final = "https://pixelpop.app/schemas/"


def tag_of(kind: type[msgspec.Struct]) -> str:
    """The tag of a payload type, e.g. `CreditsReserved.v1`."""
    return str(kind.__struct_config__.tag)


def schema_of(family: str, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one payload, which stands alone."""
    generated = msgspec.json.schema(kind)
    definitions = generated.pop("$defs", {})
    name = generated.pop("$ref").removeprefix("#/$defs/")
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{_BASE}{family}/{tag_of(kind)}.json",
        **definitions.pop(name),
    }
    if definitions:
        schema["$defs"] = definitions
    as_read: dict[str, Any] = json.loads(json.dumps(schema))  # tuples become lists
    return as_read


def golden_of(payload: Any) -> dict[str, Any]:
    """The record of an example as it would stand in its topic: key, headers, value."""
    value = msgspec.json.encode(payload)
    record: dict[str, Any] = {"value": value.decode()}
    if isinstance(payload, Fact | Decision):
        headers = headers_for(
            payload,  # type: ignore[arg-type]  # every example is an `Event`
            ids.fact_id(payload.account_id, "example"),
            source="/pixelpop/example",
            time_ms=examples.AT_MS,
            correlation_id=payload.account_id,
            causation_id=ids.fact_id(payload.account_id, "before"),
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        record = {
            "key": payload.account_id,
            "headers": [[name, content.decode()] for name, content in headers],
            **record,
        }
    return record


def generate(directory: Path) -> list[str]:
    """Write what is missing or not current; returns what it refused to overwrite, and why.

    A schema that would no longer read the old log is not written: give the new meaning a new
    version and an upcast instead.
    """
    problems = []
    for path, document in _schemas():
        file = directory / path
        broken = incompatible(json.loads(file.read_text()), document) if file.exists() else []
        problems += [f"{path} is incompatible: {one}" for one in broken]
        if not broken:
            _write(file, document)
    for path, document in _goldens():
        if not (directory / path).exists():
            _write(directory / path, document)
    _write(directory / "asyncapi.json", asyncapi.document(_tags()))
    return problems


def check(directory: Path) -> list[str]:
    """What in `directory` is missing, not current, or would no longer read the log."""
    problems = []
    for path, document in _schemas():
        file = directory / path
        if not file.exists():
            problems.append(f"{path} is missing: run `pixelpop schemas generate`")
            continue
        known = json.loads(file.read_text())
        broken = incompatible(known, document)
        problems += [f"{path} is incompatible: {one}" for one in broken]
        if not broken and file.read_text() != _text(document):
            problems.append(f"{path} is not current: run `pixelpop schemas generate`")
    for path, _ in _goldens():
        if not (directory / path).exists():
            problems.append(f"{path} is missing: run `pixelpop schemas generate`")
    catalogue = directory / "asyncapi.json"
    if not catalogue.exists() or catalogue.read_text() != _text(asyncapi.document(_tags())):
        problems.append("asyncapi.json is not current: run `pixelpop schemas generate`")
    return problems + list(_removed(directory))


def _removed(directory: Path) -> Iterator[str]:
    """Types that the log may hold and that nothing reads any more."""
    for family, kinds in FAMILIES.items():
        known = {tag_of(kind) for kind in kinds} | (set(UPCASTS) if family == "events" else set())
        for file in sorted((directory / family).glob("*.json")):
            if file.stem not in known:
                yield f"{family}/{file.name}: the type is gone, but the log may hold it"


def _schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    for family, kinds in FAMILIES.items():
        for kind in kinds:
            yield f"{family}/{tag_of(kind)}.json", schema_of(family, kind)


def _goldens() -> Iterator[tuple[str, dict[str, Any]]]:
    families: dict[str, Iterable[Any]] = {
        "events": examples.EVENTS,
        "jobs": examples.JOBS,
        "live": examples.LIVE,
    }
    for family, payloads in families.items():
        for payload in payloads:
            yield f"golden/{family}/{tag_of(type(payload))}.json", golden_of(payload)


def _tags() -> dict[str, list[str]]:
    return {family: [tag_of(kind) for kind in kinds] for family, kinds in FAMILIES.items()}


def _write(file: Path, document: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_text(document))


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
