"""Who makes a model, in which order, and what it costs us."""

from __future__ import annotations

import pytest

from commands.catalogue import MODELS, MODELS_BY_ID, STYLES
from commands.choosing import chosen_model
from commands.requests import ImageRequest, VariationRequest
from events.ids import ImageId

ALL = frozenset(one.provider for model in MODELS for one in model.providers)
NEON = "neon"  # which FLUX makes best


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_costs_are_known(model) -> None:
    """A provider that is paid says so for every size and quality; one's own machines cost none."""
    for supply in model.providers:
        for size in model.sizes:
            for quality in model.qualities:
                cost = model.cost_micros(supply.provider, "image", size, quality)
                assert (cost > 0) is supply.is_paid, (supply.provider, size, quality)


def test_larger_pictures_cost_more() -> None:
    """By the provider's list; what is no provider of the model costs nothing."""
    model = MODELS_BY_ID["gpt-image"]
    assert model.cost_micros("openai", "image", "1024x1024", "standard") == 34_000
    assert model.cost_micros("openai", "image", "1024x1536", "standard") == 51_000
    assert model.cost_micros("fal", "image", "1024x1024", "standard") == 0


def test_only_who_can_is_asked() -> None:
    """A provider that does not make the kind is left out; the order stays."""
    flux = MODELS_BY_ID["flux"]
    names = [one.provider for one in flux.makers("image", "1024x1024", "high")]
    assert names == ["replicate", "fal"]
    assert [one.provider for one in flux.supplies({"fal"})] == ["fal"]


def test_a_style_names_its_model() -> None:
    """Where a request names none and that one can make it; else the default makes it."""
    named = {style.model for style in STYLES} - {None}
    assert named <= MODELS_BY_ID.keys()
    asked = ImageRequest(prompt="x", style_id=NEON)
    assert chosen_model(asked, "gpt-image", ALL).id == "flux"
    assert chosen_model(asked, "gpt-image", frozenset({"openai"})).id == "gpt-image"
    tall = ImageRequest(prompt="x", style_id=NEON, size="1024x1536")
    assert chosen_model(tall, "gpt-image", ALL).id == "gpt-image"
    same = ImageId("1f6a2c9e-53f1-4f0e-8d7b-1a2b3c4d5e6f")
    varied = VariationRequest(parent_image_id=same, style_id=NEON)
    assert chosen_model(varied, "titan", ALL).id == "flux"
    two = VariationRequest(parent_image_id=same, style_id=NEON, count=2)
    assert chosen_model(two, "titan", ALL).id == "titan"  # FLUX makes one of a photo
    assert chosen_model(ImageRequest(prompt="x", model="sdxl", style_id=NEON), "flux", ALL).id == (
        "sdxl"
    )
