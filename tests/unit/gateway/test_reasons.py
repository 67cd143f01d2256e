"""What is wrong with a field, in words that a person understands."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from commands.batches import BATCH_MAX, BatchRequest
from commands.requests import ImageRequest
from gateway.generations.gallery import GalleryQuery
from gateway.web.reasons import NAME_CHARS_MAX, refused


def why(kind: Any, value: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(value, kind, strict=kind is ImageRequest)
    return refused(str(error.value))


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({}, "prompt", "is missing"),
        ({"prompt": 1}, "prompt", "must be a text"),
        ({"prompt": "x" * 9000}, "prompt", "must have at most 2000 characters"),
        ({"prompt": "x", "count": 1.5}, "count", "must be a whole number"),
        ({"prompt": "x", "seed": 1.5}, "seed", "must be a whole number"),
        ({"prompt": "x", "count": 0}, "count", "must be at least 1"),
        ({"prompt": "x", "seed": 2**40}, "seed", "must be at most 2147483647"),
        ({"prompt": "x", "seed": 2**70}, "seed", "must be at most 2147483647"),
        ({"prompt": "x", "kind": "video"}, "kind", "is not one of the values that can be chosen"),
        ({"prompt": "x", "kind": 7}, "kind", "must be a text"),
        ({"prompt": "x", "credits": 7}, "credits", "is not known here"),
    ],
    ids=str,
)
def test_a_body_is_refused_in_words(body: dict[str, Any], field: str, reason: str):
    """Each thing that a body can do wrong is a clause without the words of a program."""
    assert why(ImageRequest, body) == (field, reason)


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ({"limit": "many"}, "limit", "must be a whole number"),
        ({"deleted": "perhaps"}, "deleted", "must be `true` or `false`"),
        ({"status": "ready"}, "status", "is not one of the values that can be chosen"),
        ({"q": ""}, "q", "must have at least 1 character"),
        ({"sort": "old"}, "sort", "is not known here"),
    ],
    ids=str,
)
def test_parameters_are_refused_in_words(query: dict[str, Any], field: str, reason: str):
    """So is each thing that a parameter can do wrong."""
    assert why(GalleryQuery, query) == (field, reason)


@pytest.mark.parametrize(
    ("count", "reason"),
    [(0, "must have at least 1 entry"), (BATCH_MAX + 1, f"must have at most {BATCH_MAX} entries")],
)
def test_a_list_of_another_length_is_refused_in_words(count: int, reason: str):
    """How many there may be is said."""
    assert why(BatchRequest, {"items": [{"kind": "image", "prompt": "x"}] * count}) == (
        "items",
        reason,
    )


def test_what_is_no_object_is_said_of_the_whole():
    """Without a field there is nothing to name."""
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.json.decode(b"[]", type=ImageRequest)
    assert refused(str(error.value)) == ("", "must be a JSON object, in braces")


def test_a_long_name_is_cut():
    """What a client calls its field does not fill our answers."""
    field, _ = why(ImageRequest, {"prompt": "x", "y" * 5000: 1})
    assert field == "y" * NAME_CHARS_MAX


def test_what_was_never_seen_is_told_without_the_words_of_a_program():
    """A message that nobody foresaw is not passed on."""
    assert refused("Frobnication of `Struct` failed - at `$.seed`") == (
        "seed",
        "cannot be used as it is",
    )
