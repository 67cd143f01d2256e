"""Workflows as data: what is wrong with a file is said when it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from processors.providers.workflow import SHIPPED, Workflow
from runtime.errors import SettingsError

NEEDED = {
    "sdxl": {"width", "height"},
    "sdxl-edit": {"photo", "strength"},
    "sdxl-mask": {"photo", "mask"},
}


@pytest.mark.parametrize("name", NEEDED)
def test_shipped(name: str) -> None:
    """Those that come with Pixelpop can be used, and filling one leaves the next as it was."""
    workflow = Workflow(name, "COMFYUI_WORKFLOW", frozenset(NEEDED[name]))
    first = workflow.filled("high", {"prompt": "a boat", "seed": 7})
    assert first["6"]["inputs"]["text"] == "a boat"
    assert workflow.filled("standard", {})["6"]["inputs"]["text"] == ""


def test_all_shipped_are_tried() -> None:
    """There is none that no test reads."""
    assert {path.stem for path in SHIPPED.iterdir()} == set(NEEDED)


def _changed(change: Any) -> str:
    document = json.loads((SHIPPED / "sdxl.json").read_text())
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is none of ours"),
        ("[]", "is none of ours"),
        (_changed(lambda one: one.update(more=1)), "more"),
        (_changed(lambda one: one["slots"].pop("seed")), "no slot seed"),
        (_changed(lambda one: one["slots"].pop("width")), "no slot width"),
        (_changed(lambda one: one["slots"].update(prompt=["99.text"])), "no input 99.text"),
        (_changed(lambda one: one["slots"].update(prompt=["6.words"])), "no input 6.words"),
        (_changed(lambda one: one["qualities"]["high"].pop("steps")), "steps"),
        (_changed(lambda one: one["qualities"]["high"].update(cfg=1)), "cfg"),
        (_changed(lambda one: one["slots"].update(mood=["3.cfg"])), "mood"),
        (_changed(lambda one: one.update(outputs=[])), "output"),
        (_changed(lambda one: one.update(outputs=["99"])), "output"),
        (_changed(lambda one: one["workflow"].update({"5": {"inputs": {}}})), "bad node 5"),
        ("x" * 2_000_001, "larger"),
    ],
)
def test_wrong(tmp_path: Path, text: str, said: str) -> None:
    """The message names the variable, the file and what is wrong."""
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"COMFYUI_WORKFLOW .*mine\.json.*" + said):
        Workflow(str(path), "COMFYUI_WORKFLOW", frozenset({"width", "height"}))


@pytest.mark.parametrize("name", ["nothing", "some/where.json"])
def test_not_there(name: str) -> None:
    """A name of none stops the start."""
    with pytest.raises(SettingsError, match="cannot be read"):
        Workflow(name, "COMFYUI_WORKFLOW")
