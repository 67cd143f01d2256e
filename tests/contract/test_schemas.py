"""`schemas/` is what the code says, and the log of yesterday still reads, for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from events import codec, schemas
from events.codec import EVENT_TYPES, UPCASTS, decode, encode
from events.compatibility import incompatible
from events.envelope import parse
from events.jobs import decode_job, encode_job
from events.live import decode_live
from events.reading import read
from events.recorded import Recorded

SCHEMAS = Path(__file__).parents[2] / "schemas"
_GOLDEN_EVENTS = sorted((SCHEMAS / "golden" / "events").glob("*.json"))
_GOLDEN_ALL = sorted((SCHEMAS / "golden").glob("*/*.json"))


def _loaded(file: Path) -> Any:
    return json.loads(file.read_text())


def _name(file: Path) -> str:
    return file.stem


def test_schemas_are_current() -> None:
    """What is checked in is what the types of today generate; nothing is missing or removed."""
    assert schemas.check(SCHEMAS) == []


def test_every_type_has_a_schema_and_a_golden_record() -> None:
    """Of every event that can stand in the log."""
    assert {file.stem for file in _GOLDEN_EVENTS} >= set(EVENT_TYPES)
    assert {file.stem for file in (SCHEMAS / "events").glob("*.json")} >= set(EVENT_TYPES)


@pytest.mark.parametrize("file", _GOLDEN_ALL, ids=_name)
def test_golden_records_keep_to_their_schema(file: Path) -> None:
    """An independent validator accepts the value under the schema of its type."""
    schema = _loaded(SCHEMAS / file.parent.name / file.name)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(_loaded(file)["value"]))


def _as_written(now: Any, written: Any) -> Any:
    """What is encoded now, without the fields that the record did not have, at any depth."""
    if isinstance(written, dict) and isinstance(now, dict):
        return {name: _as_written(now.get(name), value) for name, value in written.items()}
    if isinstance(written, list) and isinstance(now, list) and len(now) == len(written):
        return [_as_written(*pair) for pair in zip(now, written, strict=True)]
    return now


@pytest.mark.parametrize("file", _GOLDEN_EVENTS, ids=_name)
def test_golden_events_still_read_and_mean_the_same(file: Path) -> None:
    """The whole record reads, and every field that was written then has the same value now."""
    golden = _loaded(file)
    value = golden["value"].encode()
    headers = [(name, content.encode()) for name, content in golden["headers"]]
    found = read(golden["key"].encode(), value, headers, 1)
    assert isinstance(found, Recorded), found
    envelope = parse(headers)
    assert envelope.type == file.stem
    assert envelope.event_class == found.event.event_class
    assert None not in msgspec.structs.astuple(envelope)
    if file.stem in EVENT_TYPES:
        now = json.loads(encode(found.event))
        written = json.loads(value)
        assert _as_written(now, written) == written
    else:
        assert file.stem in UPCASTS


def test_golden_jobs_still_read_and_mean_the_same() -> None:
    """Jobs that wait in the topic while a worker is upgraded are not lost."""
    for file in sorted((SCHEMAS / "golden" / "jobs").glob("*.json")):
        value = _loaded(file)["value"].encode()
        written = json.loads(value)
        assert _as_written(json.loads(encode_job(decode_job(value))), written) == written


def test_golden_progress_still_reads() -> None:
    """Progress is lossy, not misread."""
    for file in sorted((SCHEMAS / "golden" / "live").glob("*.json")):
        value = _loaded(file)["value"].encode()
        assert json.loads(msgspec.json.encode(decode_live(value))) == json.loads(value)


def test_a_golden_record_says_every_field() -> None:
    """No field of any version is left out of its golden record, so that each one is held."""
    for file in _GOLDEN_EVENTS:
        written = json.loads(_loaded(file)["value"])
        known = set(_loaded(SCHEMAS / "events" / file.name)["properties"])
        assert set(written) <= known
        if file.stem in EVENT_TYPES:
            event = decode(_loaded(file)["value"].encode())
            unsaid = [
                field.name
                for field in msgspec.structs.fields(type(event))
                if field.name in written and written[field.name] is None
            ]
            assert unsaid == []


# Incompatible change -----------------------------------------------------------------------------

_OLD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"enum": ["Thing.v1"]},
        "credits": {"type": "integer", "minimum": 0, "maximum": 100},
        "name": {"type": "string", "maxLength": 36, "pattern": "^a"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "default": []},
        "part": {"anyOf": [{"$ref": "#/$defs/Part"}, {"type": "null"}]},
        "prices": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "required": ["type", "credits", "name", "part", "prices"],
    "$defs": {
        "Line": {
            "type": "array",
            "prefixItems": [{"type": "string"}, {"type": "integer"}],
            "minItems": 2,
        },
        "Part": {
            "type": "object",
            "properties": {"width": {"type": "integer"}},
            "required": ["width"],
        },
    },
}

Change = Callable[[dict[str, Any]], Any]
_INCOMPATIBLE: dict[str, Change] = {
    "removed field": lambda new: new["properties"].pop("note"),
    "renamed field": lambda new: new["properties"].update(
        title=new["properties"].pop("name"), required=["title"]
    ),
    "changed type": lambda new: new["properties"]["credits"].update(type="string"),
    "narrowed union": lambda new: new["properties"].update(
        note={"type": "string", "default": None}
    ),
    "changed type within a union": lambda new: new["properties"]["note"].update(
        anyOf=[{"type": "integer"}, {"type": "null"}]
    ),
    "new required field": lambda new: (
        new["properties"].update(extra={"type": "string"}),
        new["required"].append("extra"),
    ),
    "optional becomes required": lambda new: new["required"].append("lines"),
    "changed default": lambda new: new["properties"]["note"].update(default="x"),
    "lost default": lambda new: new["properties"]["lines"].pop("default"),
    "raised minimum": lambda new: new["properties"]["credits"].update(minimum=1),
    "lowered maximum": lambda new: new["properties"]["credits"].update(maximum=99),
    "new limit": lambda new: new["properties"]["credits"].update(exclusiveMaximum=5),
    "shorter text": lambda new: new["properties"]["name"].update(maxLength=35),
    "another pattern": lambda new: new["properties"]["name"].update(pattern="^b"),
    "another tag": lambda new: new["properties"]["type"].update(enum=["Thing.v2"]),
    "closed vocabulary": lambda new: new["properties"]["name"].update(enum=["abc"]),
    "removed place of an array": lambda new: new["$defs"]["Line"]["prefixItems"].pop(),
    "longer array": lambda new: new["$defs"]["Line"].update(minItems=3),
    "changed place of an array": lambda new: new["$defs"]["Line"]["prefixItems"].reverse(),
    "required deeper down": lambda new: (
        new["$defs"]["Part"]["properties"].update(height={"type": "integer"}),
        new["$defs"]["Part"]["required"].append("height"),
    ),
    "removed deeper down": lambda new: new["$defs"]["Part"]["properties"].pop("width"),
    "changed value of a map": lambda new: new["properties"]["prices"].update(
        additionalProperties={"type": "string"}
    ),
    "refused unknown fields": lambda new: new.update(additionalProperties=False),
}
_COMPATIBLE: dict[str, Change] = {
    "nothing": lambda _new: None,
    "new field with a default": lambda new: new["properties"].update(
        extra={"type": "string", "default": ""}
    ),
    "required becomes optional": lambda new: new["required"].remove("prices"),
    "wider limit": lambda new: new["properties"]["credits"].update(maximum=101, minimum=-1),
    "no limit": lambda new: new["properties"]["name"].pop("pattern"),
    "wider union": lambda new: new["properties"]["note"]["anyOf"].append({"type": "integer"}),
    "another description": lambda new: new.update(description="Better words."),
    "another place of a definition": lambda new: (
        new["$defs"].update(Row=new["$defs"].pop("Line")),
        new["properties"]["lines"].update(items={"$ref": "#/$defs/Row"}),
    ),
    "one more place of an array": lambda new: new["$defs"]["Line"]["prefixItems"].append(
        {"type": "string", "default": ""}
    ),
}


@pytest.mark.parametrize("change", _INCOMPATIBLE.values(), ids=_INCOMPATIBLE)
def test_an_incompatible_change_is_refused(change: Change) -> None:
    """Each way to stop reading what was written is seen."""
    new = deepcopy(_OLD)
    change(new)
    assert incompatible(_OLD, new) != []


@pytest.mark.parametrize("change", _COMPATIBLE.values(), ids=_COMPATIBLE)
def test_a_compatible_change_is_let_through(change: Change) -> None:
    """Growing is allowed."""
    new = deepcopy(_OLD)
    change(new)
    assert incompatible(_OLD, new) == []


@pytest.fixture
def checked_in(tmp_path: Path) -> Path:
    """A copy of `schemas/` as the types of today generate it."""
    assert schemas.generate(tmp_path) == []
    assert schemas.check(tmp_path) == []
    return tmp_path


def _rewrite(file: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    document = _loaded(file)
    change(document)
    file.write_text(json.dumps(document))


def test_a_field_that_the_log_has_and_the_code_lost_is_refused(checked_in: Path) -> None:
    """`check` names it, and `generate` does not overwrite the evidence."""
    file = checked_in / "events" / "CreditsReserved.v1.json"
    _rewrite(file, lambda old: old["properties"].update(lost={"type": "string"}))
    before = file.read_text()
    for problems in (schemas.check(checked_in), schemas.generate(checked_in)):
        assert [one for one in problems if "lost" in one]
    assert file.read_text() == before


def test_a_type_that_the_log_has_and_the_code_lost_is_refused(
    checked_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless an upcast still reads it."""
    (checked_in / "events" / "CreditsLent.v1.json").write_text("{}")
    assert [one for one in schemas.check(checked_in) if "CreditsLent.v1" in one]
    monkeypatch.setitem(codec.UPCASTS, "CreditsLent.v1", lambda payload: payload)
    assert schemas.check(checked_in) == []


def test_what_is_not_current_is_told_and_mended(checked_in: Path) -> None:
    """A compatible difference, a missing schema, record or catalogue: generate writes them."""
    _rewrite(
        checked_in / "events" / "CreditsGranted.v1.json", lambda old: old.update(description="Old.")
    )
    (checked_in / "events" / "CreditsExpired.v1.json").unlink()
    (checked_in / "golden" / "live" / "Progress.v1.json").unlink()
    (checked_in / "asyncapi.json").unlink()
    assert len(schemas.check(checked_in)) == 4
    assert schemas.generate(checked_in) == []
    assert schemas.check(checked_in) == []


def test_a_golden_record_is_written_once(checked_in: Path) -> None:
    """What an old log holds does not change because an example did."""
    file = checked_in / "golden" / "events" / "AccountErased.v1.json"
    _rewrite(file, lambda old: old.update(value=old["value"].replace("user", "operator")))
    before = file.read_text()
    schemas.generate(checked_in)
    assert file.read_text() == before


def test_the_catalogue_of_topics_points_at_the_schemas() -> None:
    """Every message of asyncapi.json has its schema, every schema its message."""
    document = _loaded(SCHEMAS / "asyncapi.json")
    assert document["asyncapi"] == "3.0.0"
    referred = {
        message["payload"]["$ref"]
        for channel in document["channels"].values()
        for message in channel["messages"].values()
        if "$ref" in message.get("payload", ())
    }
    there = {
        f"./{family}/{file.name}"
        for family in schemas.FAMILIES
        for file in (SCHEMAS / family).glob("*.json")
    }
    assert referred == there
    topics = {f"pixelpop.{name}.v1" for name in ("events", "jobs", "live", "dlq")}
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {*topics, "/ws"}
    for operation in document["operations"].values():
        channel = operation["channel"]["$ref"].removeprefix("#/channels/")
        assert channel in document["channels"]
