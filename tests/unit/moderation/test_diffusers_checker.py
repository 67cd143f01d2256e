"""Claims about the safety checker on this machine, as far as they need no torch."""

from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor

import pytest

from processors.moderation import open_moderation
from processors.moderation.base import Checked, CheckUnavailable
from processors.moderation.diffusers import DiffusersChecker, Look
from runtime.errors import SettingsError
from runtime.settings import Settings

SETTINGS = Settings(diffusers_safety_checker="some/checker")


@pytest.mark.parametrize(
    ("unsafe", "checked"), [(True, Checked("safety-checker", "sexual")), (False, Checked())]
)
async def test_looks(unsafe: bool, checked: Checked) -> None:
    """What it flags is refused as sexual; what it does not flag has passed."""
    checker = DiffusersChecker(SETTINGS, lambda: lambda _: unsafe)
    assert await checker.picture(b"a jpeg") == checked
    await checker.close()


def _fails(_: bytes) -> bool:
    raise RuntimeError("out of memory")


def _is_not_there() -> Look:
    raise OSError("no such folder")


@pytest.mark.parametrize("load", [lambda: _fails, _is_not_there], ids=["fails", "not there"])
async def test_does_not_answer(load: object) -> None:
    """One that cannot be loaded, or fails, counts as one that does not answer."""
    checker = DiffusersChecker(SETTINGS, load)  # type: ignore[arg-type]  # of the parameters
    with pytest.raises(CheckUnavailable):
        await checker.picture(b"a jpeg")
    await checker.close()


async def test_reads_nothing() -> None:
    """It looks at pictures only, and is not asked again for words."""
    checker = DiffusersChecker(SETTINGS, lambda: lambda _: False)
    with pytest.raises(CheckUnavailable) as raised:
        await checker.text("a boat")
    assert not raised.value.may_pass
    await checker.close()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(moderation_pictures="diffusers"), "DIFFUSERS_SAFETY_CHECKER is unset"),
        (SETTINGS, "its extra `diffusers`"),
    ],
)
def test_cannot_start(settings: Settings, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named without a checker, or set without the extra, it stops the start."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with ThreadPoolExecutor(1) as threads, pytest.raises(SettingsError, match=said):
        open_moderation(settings, threads)
