"""From texts to the first rule that they are against."""

from __future__ import annotations

from typing import Final

from commands.moderation.lists import Index, Rule, here, load
from events.generations import Moderation

_LISTS: Final = load()
_INDEX: Final = Index(_LISTS)
VERSION: Final = _LISTS.version
"""Of the lists; it stands in every verdict."""
_NEEDED: Final = {
    rule.id: (
        rule.all,
        *([here(concept, language) for concept in rule.all] for language in _LISTS.languages),
    )
    for rule in _LISTS.rules
}
"""Of each rule, what a text must have: the words of any language, or all of one."""
CATEGORIES: Final = {rule.id: rule.category for rule in _LISTS.rules}
"""Of each rule, what its refusals are counted under."""


def moderate(*texts: str | None, negative: str | None = None) -> Moderation | None:
    """The first rule that these are against; None: none.

    Args:
        texts: prompt, title, instructions, and what else is asked for: read together.
        negative: what to leave out. It is read by itself, since who leaves a thing out does not
            ask for it; but a few things may not be left out either.
    """
    rule = judge(*texts, negative=negative)
    return None if rule is None else Moderation(rule_id=rule.id, list_version=VERSION)


def judge(*texts: str | None, negative: str | None = None) -> Rule | None:
    """As `moderate`, but with all that is known of the rule."""
    asked = _INDEX.concepts("\n".join(text for text in texts if text))
    left_out = _INDEX.concepts(negative) if negative else set()
    if not asked and not left_out:
        return None
    return next((rule for rule in _LISTS.rules if _holds(rule, asked, left_out)), None)


def _holds(rule: Rule, asked: set[str], left_out: set[str]) -> bool:
    if rule.negative is not None:
        return rule.negative in left_out and asked.issuperset(rule.all)
    return any(
        found.isdisjoint(rule.unless) and any(found.issuperset(one) for one in _NEEDED[rule.id])
        for found in (asked, left_out)
    )
