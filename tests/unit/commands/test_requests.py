"""What may be asked for, before anything is looked up."""

from __future__ import annotations

import msgspec
import pytest

from commands.choosing import chosen_model
from commands.requests import EditRequest, ImageRequest, InvalidRequest, checked

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


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[2J", "a\x7f", "a\x85b"])
@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
def test_control_characters_are_refused(field: str, text: str):
    """What would steer a terminal or end a text early is no part of a prompt."""
    fields = {"prompt": "a cat", field: text}
    with pytest.raises(InvalidRequest) as error:
        checked(ImageRequest(**fields))
    assert error.value.field == field


@pytest.mark.parametrize("text", ["a\nb\tc", "a\r\nb", "👩‍🎨 at work", "می‌خواهم", "شـ", "日本"])
def test_lines_and_all_scripts_are_welcome(text: str):
    """Line breaks, tabs, and the joiners that some scripts and emoji need, stay as they are."""
    assert checked(ImageRequest(prompt=text)).prompt == text


@pytest.mark.parametrize("text", ["\u200b", "\u202e\u2060", " \u200d "])
def test_a_prompt_that_shows_nothing_is_none(text: str):
    """Characters that nobody sees say nothing to draw."""
    with pytest.raises(InvalidRequest):
        checked(ImageRequest(prompt=text))


def test_how_requests_are_told_apart() -> None:
    """What a `body_mac` in the log was made of is made the same way today."""
    image = ImageRequest(prompt="a boat", seed=7)
    edit = EditRequest(prompt="snow", upload_ids=("0f6a2c9e-53f1-4f0e-8d7b-1a2b3c4d5e6f",))
    assert msgspec.json.encode(image) == (
        b'{"kind":"image","prompt":"a boat","style_id":"none","size":"1024x1024","count":1,'
        b'"negative_prompt":null,"seed":7,"model":null,"quality":"standard"}'
    )
    assert msgspec.json.encode(edit) == (
        b'{"kind":"edit","prompt":"snow","upload_ids":["0f6a2c9e-53f1-4f0e-8d7b-1a2b3c4d5e6f"],'
        b'"mask_upload_id":null,"style_id":"none","size":null,"count":1,"seed":null,"model":null,'
        b'"quality":"standard"}'
    )
