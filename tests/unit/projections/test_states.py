"""What the projector keeps of an account between batches."""

from __future__ import annotations

from events.state import Pending, Reservation
from tests.given import SECOND, asks, at, given, signed_up
from tests.unit.commands.test_batches import batch
from tests.unit.projections.test_batch import a_picture, fold, records_of


async def test_states_hold_no_requests() -> None:
    """What somebody asked for stands in its row alone: the state is what the fold needs."""
    story = a_picture()
    story.given(asks("owl").after(SECOND))
    (state,) = (await fold(records_of(story))).changed.values()
    assert [type(one) for one in state.open.values()] == [Reservation, Pending]
    assert [one.request for one in state.open.values()] == [b"", b""]


async def test_states_hold_no_requests_of_a_batch() -> None:
    """Also where several were asked for with one command."""
    story = given(signed_up(credits=5)).when(at(1)).given(batch("pets", asks("fox"), asks("owl")))
    (state,) = (await fold(records_of(story))).changed.values()
    assert [one.request for one in state.open.values()] == [b"", b""]
