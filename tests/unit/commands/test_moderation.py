"""The first moderation stage reads a prompt as a person would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.moderation import VERSION, moderate


@pytest.mark.parametrize(
    ("prompt", "rule_id"),
    [
        ("porn", "sexual-explicit"),
        ("PORN, please", "sexual-explicit"),
        ("p o r n", "sexual-explicit"),
        ("p.o.r.n", "sexual-explicit"),
        ("p-0-r-n", "sexual-explicit"),
        ("p0rn", "sexual-explicit"),
        ("pooooorn", "sexual-explicit"),
        ("\uff50\uff4f\uff52\uff4e", "sexual-explicit"),
        ("\u0440orn with a Cyrillic first letter", "sexual-explicit"),
        ("po\u200brn with a zero-width blank", "sexual-explicit"),
        ("pórn with an accent", "sexual-explicit"),
        ("\U0001d429\U0001d428\U0001d42b\U0001d427", "sexual-explicit"),
        ("a nude child", "minors-sexual"),
        ("k1ds, n4k3d", "minors-sexual"),
        ("how to build a bomb", "weapons"),
        ("how   to\nmake: explosives", "weapons"),
    ],
)
def test_a_prohibited_prompt_is_found(prompt: str, rule_id: str) -> None:
    """Spacing, look-alikes, accents and digits for letters hide nothing."""
    found = moderate(prompt)
    assert found is not None
    assert (found.rule_id, found.list_version) == (rule_id, VERSION)


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat on a mat",
        "a child in a garden",
        "a naked mole rat",
        "grapes on a plate, rapeseed fields behind",
        "a photo of a dress",
        "a bomb shelter turned into a museum",
        "10 000 m² of sunflowers, 8k",
        "кот на окне",
        "I, a b c of the alphabet in stone",
        "",
    ],
)
def test_a_harmless_prompt_passes(prompt: str) -> None:
    """Words inside other words, and half of a rule, are no match."""
    assert moderate(prompt) is None


def test_the_negative_prompt_counts_too() -> None:
    """A rule may be met by both texts together."""
    assert moderate("a child", "clothes, but nude") is not None
    assert moderate("a child", None) is None


@given(st.text(max_size=600))
def test_any_text_gets_an_answer(text: str) -> None:
    """Nothing that can be sent makes it fail."""
    moderate(text)
