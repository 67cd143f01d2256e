"""The word lists say what their own examples say, in every language."""

# ruff: noqa: RUF001  (letters of several scripts are what these tests are about)

from __future__ import annotations

import unicodedata

import pytest

from commands.moderation import CATEGORIES, judge
from commands.moderation.lists import Index, Language, Lists, Rule, load
from commands.moderation.look_alikes import LOOK_ALIKES

LISTS = load()
LANGUAGES = sorted(LISTS.languages)
WITHOUT_EXAMPLES = {"minors-undressed"}
"""Needs two texts; it has tests of its own."""


@pytest.mark.parametrize("name", LANGUAGES)
def test_examples_match_and_near_misses_pass(name: str) -> None:
    """Each example is against the rule that it is of; no near miss is against any."""
    wrong = []
    for rule_id, examples in LISTS.languages[name].examples.items():
        for text in examples.match:
            found = judge(text)
            if found is None or found.id != rule_id:
                wrong.append((rule_id, text, found))
        wrong += [(rule_id, text, found) for text in examples.near if (found := judge(text))]
    assert wrong == []


def test_every_rule_has_examples_in_every_language() -> None:
    """No rule stands untried, in any language."""
    assert {"en", "ru", "es", "de", "fr", "zh"} <= set(LANGUAGES)
    for name in LANGUAGES:
        examples = LISTS.languages[name].examples
        assert set(examples) == set(CATEGORIES) - WITHOUT_EXAMPLES, name
        assert all(one.match and one.near for one in examples.values()), name


def test_every_concept_is_used_and_known() -> None:
    """A misspelt concept would never match: each rule's has words, each word's has a rule."""
    wanted = {concept for rule in LISTS.rules for concept in (*rule.all, *rule.unless)}
    wanted |= {rule.negative for rule in LISTS.rules if rule.negative}
    for name, language in LISTS.languages.items():
        assert set(language.concepts) == wanted, name


@pytest.mark.parametrize(
    "text",
    [
        "a nude ребёнок",  # two languages
        "ein nacktes child",
        "голая schoolgirl",
        "гoлый peбeнoк",  # Latin letters in Russian words
        "n.u.d.e c.h.i.l.d",
        "nu.de chi-ld",
        "nnnuuude chiiild",
        "ɴᴜᴅᴇ ᴄʜɪʟᴅ",
        "🇳🇺🇩🇪 child",
        "🅝🅤🅓🅔 child",
        "n\u0335u\u0335d\u0335e\u0335 child",
        "nu\u00adde chi\u2060ld",
        "nude chi1d, ch!ld",
        "ｎｕｄｅ child",
    ],
)
def test_tricks_hide_nothing(text: str) -> None:
    """Languages mixed, letters swapped, spaced, drawn out, struck through or small capitals."""
    found = judge(text)
    assert found is not None
    assert found.id == "minors-sexual"


def test_what_is_left_out_is_read_by_itself() -> None:
    """Who leaves nudity out of a child's picture is no suspect; who leaves the clothes out is."""
    assert judge("a child in a garden", negative="nsfw, nude, naked") is None
    found = judge("a child in a garden", negative="clothes")
    assert found is not None
    assert found.id == "minors-undressed"
    assert judge("an old man", negative="clothes") is None
    found = judge("девочка у моря", negative="одежда")
    assert found is not None
    assert found.id == "minors-undressed"


def test_titles_and_instructions_are_read_with_the_prompt() -> None:
    """A rule may be met by several texts together; nothing at all is against none."""
    assert judge("a child", None, "make it nude") is not None
    assert judge(None, "", negative=None) is None


def test_a_harmless_phrase_excuses_itself_only() -> None:
    """What stands beside it is still read."""
    assert judge("a naked mole rat and a child") is None
    assert judge("a naked mole rat and a nude child") is not None


def test_a_short_beginning_is_refused() -> None:
    """A list that would match half a language does not load."""
    rule = Rule("x", "x", ("c",))
    with pytest.raises(ValueError, match="begins too many"):
        Index(Lists("1", (rule,), {"en": Language({"c": ("por*",)})}))


def test_look_alikes_are_single_marks_of_one_letter() -> None:
    """Each look-alike survives the steps before it, or it would never be met."""
    for alike, latin in LOOK_ALIKES.items():
        folded = unicodedata.normalize("NFKD", alike).casefold()
        reached = folded == alike or all(one in LOOK_ALIKES or one == latin for one in folded)
        assert reached or folded == latin, (alike, folded)
