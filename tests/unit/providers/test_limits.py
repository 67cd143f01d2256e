"""What is set instead of the catalogue's bounds, and what an offer lacks."""

from __future__ import annotations

import pytest

from commands.supplies import SUPPLIES
from gateway.operations.drawers import compared
from processors.providers.limits import supplies_of
from runtime.errors import SettingsError
from runtime.settings import load


def test_settings_replace_single_figures() -> None:
    """And leave all others, and what a picture costs, as they are."""
    given = {
        "PIXELPOP_PROVIDER_CONCURRENCY": "openai=5,fal=2",
        "PIXELPOP_PROVIDER_PER_MINUTE": "openai=20",
    }
    supplies = supplies_of(load(given))
    assert (supplies["openai"].concurrency, supplies["openai"].per_minute) == (5, 20)
    assert (supplies["fal"].concurrency, supplies["fal"].per_minute) == (2, 600)
    assert supplies["replicate"] == SUPPLIES["replicate"]
    assert supplies["openai"].micros_per_image == SUPPLIES["openai"].micros_per_image


@pytest.mark.parametrize("text", ["openai", "openai=0", "openai=many", "openai=1;fal=2"])
def test_what_is_no_figure_stops_the_start(text: str) -> None:
    """With the variable's name."""
    with pytest.raises(SettingsError, match="PIXELPOP_PROVIDER_CONCURRENCY"):
        load({"PIXELPOP_PROVIDER_CONCURRENCY": text})


def test_an_unknown_provider_stops_the_start() -> None:
    """And those that there are are named."""
    with pytest.raises(SettingsError, match=r"names dalle; the providers are .*openai"):
        supplies_of(load({"PIXELPOP_PROVIDER_PER_MINUTE": "dalle=5"}))


@pytest.mark.parametrize(
    ("offered", "drawn", "state", "said"),
    [
        ({"local", "fal"}, {"local", "fal"}, "ok", "fal, local"),
        ({"local", "fal"}, {"local"}, "fail", "fal offered by these settings, but drawn by no"),
        ({"local"}, {"local", "openai"}, "warn", "openai, which these settings do not offer"),
        ({"local"}, set(), "warn", "no worker runs; local would be offered"),
    ],
)
def test_an_offer_is_compared_with_what_is_drawn(
    offered: set[str], drawn: set[str], state: str, said: str
) -> None:
    """What nobody draws is a fault, what nobody is offered is worth a word."""
    check = compared(frozenset(offered), frozenset(drawn))
    assert check.state == state
    assert said in check.said
