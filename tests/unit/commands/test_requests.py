"""What may be asked for, before anything is looked up."""

from __future__ import annotations

import msgspec
import pytest

from commands.requests import ImageRequest, InvalidRequest, checked, chosen_model

LOCAL = frozenset({"local"})


def test_texts_are_trimmed_before_they_are_measured() -> None:
    """500 characters between blanks are 500 characters; an empty negative prompt is none."""
    request = checked(ImageRequest(prompt=f"  {'x' * 500}\n", negative_prompt="  "))
    assert request.prompt == "x" * 500
    assert request.negative_prompt is None


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("prompt", ImageRequest(prompt=" \n\t ")),
        ("prompt", ImageRequest(prompt="x" * 501)),
        ("negative_prompt", ImageRequest(prompt="x", negative_prompt="y" * 501)),
        ("style_id", ImageRequest(prompt="x", style_id="oil")),
    ],
)
def test_a_field_that_cannot_be_used_is_named(field: str, request_: ImageRequest) -> None:
    """The refusal says which field it is about."""
    with pytest.raises(InvalidRequest) as refusal:
        checked(request_)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("model", ImageRequest(prompt="x", model="dall-e")),
        ("model", ImageRequest(prompt="x", model="gpt-image")),
        ("size", ImageRequest(prompt="x", size="1x1")),
        ("quality", ImageRequest(prompt="x", quality="ultra")),
    ],
)
def test_what_is_not_on_offer_is_named(field: str, request_: ImageRequest) -> None:
    """A model whose provider is not configured is not on offer."""
    with pytest.raises(InvalidRequest) as refusal:
        chosen_model(request_, "preview", LOCAL)
    assert refusal.value.field == field


def test_the_default_model_is_taken_when_none_is_named() -> None:
    """The default is the caller's to choose."""
    assert chosen_model(ImageRequest(prompt="x"), "preview", LOCAL).id == "preview"


@pytest.mark.parametrize(
    "body",
    [
        b'{"prompt":"x","credits":-5}',
        b'{"prompt":"x","user_id":"1"}',
        b'{"prompt":"x","count":0}',
        b'{"prompt":"x","count":5}',
        b'{"prompt":"x","count":1.0}',
        b'{"prompt":"x","count":"1"}',
        b'{"prompt":"x","seed":-1}',
        b'{"prompt":"x","seed":2147483648}',
        b'{"prompt":7}',
        b'{"prompt":"x","seed":1e999}',
        b'{"prompt":"x","kind":"video"}',
        b"{}",
        b"[]",
        b"null",
    ],
)
def test_what_has_another_shape_is_refused(body: bytes) -> None:
    """Unknown fields, other types and numbers out of bounds do not decode."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=ImageRequest)
