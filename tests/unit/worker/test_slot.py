"""Claims about slots: one process each, and who is known to be gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from processors.worker import slot
from processors.worker.slot import SlotTaken
from runtime.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def test_a_slot_is_held_by_one(settings: Settings) -> None:
    """Who comes second is told so, and has not become anybody's successor."""
    with slot.hold(settings) as first, pytest.raises(SlotTaken), slot.hold(settings):
        pass
    with slot.hold(settings) as next_one:
        assert next_one.gone == (first.holder,)


def test_everybody_is_somebody_else(settings: Settings) -> None:
    """No process gets the id of one before it."""
    holders = set()
    for _ in range(3):
        with slot.hold(settings) as held:
            holders.add(held.holder)
    assert len(holders) == 3


def test_the_gone_are_known_until_their_claims_are_free(settings: Settings) -> None:
    """A process that ends before it freed what others left leaves that to the next, too."""
    with slot.hold(settings) as first:
        pass
    with slot.hold(settings) as second:
        assert second.gone == (first.holder,)
    with slot.hold(settings) as third:
        assert third.gone == (first.holder, second.holder)
        third.all_free()
        assert third.gone == ()
    with slot.hold(settings) as fourth:
        assert fourth.gone == (third.holder,)


def test_other_slots_are_nobodys_business(settings: Settings, tmp_path: Path) -> None:
    """A slot knows its own predecessors only: those of another may well be alive."""
    with (
        slot.hold(settings),
        slot.hold(Settings(data_dir=tmp_path, slot="2")) as second,
    ):
        assert second.gone == ()


def test_a_damaged_note_is_read_as_far_as_it_makes_sense(
    settings: Settings, tmp_path: Path
) -> None:
    """Whatever stands in the file, the worker starts."""
    with slot.hold(settings) as first:
        pass
    note = tmp_path / "run" / "worker-1.holders"
    note.write_text(f"half a li\n{first.holder}\n")
    with slot.hold(settings) as second:
        assert second.gone == (first.holder,)
    note.write_bytes(b"\xff\x00")
    with slot.hold(settings) as third:
        assert third.gone == ()


def test_the_note_is_bounded(settings: Settings) -> None:
    """Processes that never get to free anything do not make it grow for ever."""
    for _ in range(slot.GONE_MAX + 3):
        with slot.hold(settings):
            pass
    with slot.hold(settings) as last:
        assert len(last.gone) == slot.GONE_MAX
