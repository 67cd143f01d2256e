"""What a day's ceilings close."""

from __future__ import annotations

import msgspec
import pytest

from commands.catalogue import MODELS_BY_ID
from gateway.money.spending import MICROS, Ceilings, ceilings_of, closed_by
from runtime.errors import SettingsError
from runtime.settings import Settings

SPENT = {"openai": 30 * MICROS, "fal": 10 * MICROS, "local": 0}


def test_a_provider_at_its_ceiling_is_closed() -> None:
    """That one alone; what it is under, goes on."""
    assert closed_by(Ceilings(None, {"openai": 30 * MICROS, "fal": 11 * MICROS}), SPENT) == {
        "openai"
    }
    assert closed_by(Ceilings(None, {"replicate": 0}), SPENT) == {"replicate"}


def test_the_ceiling_of_all_closes_all_that_are_paid() -> None:
    """One's own machines draw on."""
    closed = closed_by(Ceilings(40 * MICROS, {}), SPENT)
    assert {"openai", "fal", "replicate"} <= closed
    assert closed.isdisjoint({"local", "diffusers", "comfyui"})
    assert closed_by(Ceilings(41 * MICROS, {}), SPENT) == frozenset()
    assert any(one.provider not in closed for one in MODELS_BY_ID["sdxl"].providers)


def test_ceilings_come_from_settings() -> None:
    """In whole dollars; a name that costs nothing, or is none, is a mistake."""
    settings = Settings(budget_usd_a_day=100, budget_usd_by_provider="openai=50,fal=20")
    assert ceilings_of(settings) == Ceilings(
        100 * MICROS, {"openai": 50 * MICROS, "fal": 20 * MICROS}
    )
    for wrong in ("local=5", "opnai=5"):
        with pytest.raises(SettingsError):
            ceilings_of(msgspec.structs.replace(settings, budget_usd_by_provider=wrong))
