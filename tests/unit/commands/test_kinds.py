"""Edits and variations: what may be asked, of which model, at which price."""

from __future__ import annotations

import msgspec
import pytest

from commands.catalogue import MODELS, price
from commands.choosing import chosen_model
from commands.requests import (
    EditRequest,
    ImageRequest,
    InvalidRequest,
    Request,
    VariationRequest,
    checked,
    kind_of,
    nearest_size,
)
from events.ids import ImageId

ONE = "0f6a2c9e-53f1-4f0e-8d7b-1a2b3c4d5e6f"
TWO = "1f6a2c9e-53f1-4f0e-8d7b-1a2b3c4d5e6f"
MINE = ImageId(TWO)
ALL = frozenset({"local", "openai", "replicate", "fal", "bedrock-titan", "bedrock-sdxl"})


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("prompt", EditRequest(prompt=" ", upload_ids=(ONE,))),
        ("prompt", EditRequest(prompt="x" * 501, upload_ids=(ONE,))),
        ("upload_ids", EditRequest(prompt="x", upload_ids=(ONE, ONE))),
        ("style_id", VariationRequest(parent_image_id=MINE, style_id="oil")),
        ("prompt", VariationRequest(parent_image_id=MINE, prompt="\x00")),
    ],
)
def test_a_field_that_cannot_be_used_is_named(field: str, request_: Request) -> None:
    """The refusal says which field it is about."""
    with pytest.raises(InvalidRequest) as refusal:
        checked(request_)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("upload_ids", EditRequest(prompt="x", upload_ids=(ONE, TWO), model="titan")),
        (
            "mask_upload_id",
            EditRequest(prompt="x", upload_ids=(ONE,), mask_upload_id=TWO, model="flux"),
        ),
        ("count", VariationRequest(parent_image_id=MINE, count=2, model="flux")),
        ("size", EditRequest(prompt="x", upload_ids=(ONE,), size="1024x1536", model="titan")),
        ("quality", VariationRequest(parent_image_id=MINE, quality="ultra")),
    ],
)
def test_what_a_model_cannot_do_is_refused(field: str, request_: Request) -> None:
    """More photos than a model takes, a mask that is of no use to it, a size that it has not."""
    with pytest.raises(InvalidRequest) as refusal:
        chosen_model(request_, "preview", ALL)
    assert refusal.value.field == field


def test_a_model_that_makes_the_kind_is_taken() -> None:
    """Where none is named it is the default if that can, else the first that can; or nobody."""
    edit = EditRequest(prompt="x", upload_ids=(ONE,))
    assert chosen_model(edit, "flux-dev", ALL).id == "flux-dev"
    assert chosen_model(edit, "studio", ALL).id == "preview"
    only = msgspec.structs.replace(MODELS[0], capabilities=("image",))
    assert only.credits_for("edit") == {}
    with pytest.raises(InvalidRequest) as refusal:
        chosen_model(edit, "preview", frozenset())
    assert refusal.value.field == "kind"


def test_words_of_a_variation_may_be_missing() -> None:
    """A variation without words, or with blanks for words, is one."""
    assert checked(VariationRequest(parent_image_id=MINE, prompt=" ")).prompt is None
    assert checked(VariationRequest(parent_image_id=MINE, prompt=" at night ")).prompt == "at night"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_every_kind_has_a_price(model) -> None:
    """Each kind that a model makes costs something in each quality; another is not for sale."""
    for kind in model.capabilities:
        for quality in model.credits_per_image:
            assert (price(model.id, quality, kind) or 0) > 0
    assert price(model.id, "standard", "thumbnail") is None
    assert price(model.id, "standard") == model.credits_per_image["standard"]


def test_kinds_are_told_apart() -> None:
    """By the field `kind`, and by nothing else."""
    body = msgspec.json.encode(EditRequest(prompt="x", upload_ids=(ONE,)))
    decoded = msgspec.json.decode(body, type=Request)
    assert (kind_of(decoded), decoded) == ("edit", EditRequest(prompt="x", upload_ids=(ONE,)))
    assert kind_of(ImageRequest(prompt="x")) == "image"
    for wrong in (
        b'{"kind":"edit","prompt":"x"}',
        b'{"kind":"edit","prompt":"x","upload_ids":[]}',
        b'{"kind":"edit","prompt":"x","upload_ids":["../../secret"]}',
        b'{"kind":"edit","prompt":"x","upload_ids":["%b"],"credits":1}' % ONE.encode(),
        b'{"kind":"variation","prompt":"x"}',
        b'{"kind":"image","prompt":"x","upload_ids":[]}',
    ):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=Request)


@pytest.mark.parametrize(
    ("sides", "size"),
    [
        ((3000, 3000), "1024x1024"),
        ((4000, 3000), "1536x1024"),
        ((1100, 1000), "1024x1024"),
        ((900, 1600), "1024x1536"),
        ((100, 9000), "1024x1536"),
    ],
)
def test_the_shape_of_a_photo(sides: tuple[int, int], size: str) -> None:
    """Without a size, the one whose shape is most like the photo's is taken."""
    assert nearest_size(("1024x1024", "1024x1536", "1536x1024"), *sides) == size
