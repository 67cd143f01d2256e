"""Workflows of ComfyUI as data: a graph in the API's format, and which of its inputs are slots.

A file names for each slot the inputs that it fills, as `node.input`; for each quality, values of
further slots; and the nodes whose pictures are delivered. What is wrong with a file is found when
the worker starts, as far as it can be without the server.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from commands.catalogue import QUALITIES
from runtime.errors import SettingsError

SHIPPED: Final = Path(__file__).with_name("workflows")
BYTES_MAX: Final = 2_000_000
ALWAYS: Final = frozenset({"prompt", "seed", "count"})
OURS: Final = ALWAYS | {
    *("negative_prompt", "width", "height", "checkpoint"),
    *("photo", "mask", "strength"),
}
"""What a request fills; further slots get their values by quality."""


class _Node(msgspec.Struct, frozen=True):
    class_type: str
    inputs: dict[str, Any] = {}


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    slots: dict[str, list[str]]
    qualities: dict[str, dict[str, Any]] = {}
    outputs: list[str]
    workflow: dict[str, dict[str, Any]]
    about: str = ""


class Workflow:
    """A workflow that can be filled in.

    Args:
        name: of one in `SHIPPED`, or the path of a file.
        variable: the setting that names it.
        needed: slots that it must have beside `ALWAYS`.

    Raises:
        SettingsError: it cannot be used; the message names the variable, the file and why.
    """

    def __init__(self, name: str, variable: str, needed: frozenset[str] = frozenset()) -> None:
        self._where = f"{variable} names the workflow {name}, which"
        path = Path(name) if "/" in name or name.endswith(".json") else SHIPPED / f"{name}.json"
        self._file = self._read(path)
        self._check(ALWAYS | needed)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The nodes whose pictures are delivered, in this order."""
        return tuple(self._file.outputs)

    def filled(self, quality: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The graph to submit; slots that this workflow does not have are left out."""
        graph = copy.deepcopy(self._file.workflow)
        for slot, value in {**self._file.qualities.get(quality, {}), **values}.items():
            for place in self._file.slots.get(slot, ()):
                node, _, name = place.partition(".")
                graph[node]["inputs"][name] = value
        return graph

    def _read(self, path: Path) -> _File:
        try:
            with path.open("rb") as source:
                text = source.read(BYTES_MAX + 1)
        except OSError as error:
            raise SettingsError(f"{self._where} cannot be read: {error.strerror}.") from error
        if len(text) > BYTES_MAX:
            raise SettingsError(f"{self._where} is larger than {BYTES_MAX} bytes.")
        try:
            return msgspec.json.decode(text, type=_File)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SettingsError(f"{self._where} is none of ours: {error}.") from error

    def _check(self, needed: frozenset[str]) -> None:
        file = self._file
        for node, fields in file.workflow.items():
            try:
                msgspec.convert(fields, _Node)
            except msgspec.ValidationError as error:
                raise SettingsError(f"{self._where} has a bad node {node}: {error}.") from error
        missing = needed - file.slots.keys()
        if missing:
            raise SettingsError(f"{self._where} has no slot {', '.join(sorted(missing))}.")
        for slot, places in file.slots.items():
            for place in places:
                node, _, name = place.partition(".")
                if name not in file.workflow.get(node, {}).get("inputs", {}):
                    raise SettingsError(f"{self._where} has no input {place} for its slot {slot}.")
        further = file.slots.keys() - OURS
        for quality in QUALITIES:
            given = file.qualities.get(quality, {}).keys()
            if given - further or further - given:
                odd = ", ".join(sorted(given ^ further))
                raise SettingsError(f"{self._where} has {odd} as a slot or a value, not as both.")
        if not file.outputs or not set(file.outputs) <= file.workflow.keys():
            raise SettingsError(f"{self._where} names no node of its own as output.")
