"""Whether a new JSON Schema still reads everything that the old one allowed.

The old log is never rewritten, so a type may only grow: new fields have defaults, nothing is
removed or renamed, no type, default or limit changes to the worse (`events/base.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_LOWER_LIMITS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_LIMITS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SAME: Final = ("const", "pattern", "default", "multipleOf", "format")
_ABSENT: Final = object()


def incompatible(old: Schema, new: Schema) -> list[str]:
    """What of `old` the `new` schema would refuse or misread, a sentence each; empty if nothing."""
    return list(_compare("$", old, new, old, new))


def _compare(
    path: str, old: Schema, new: Schema, old_root: Schema, new_root: Schema
) -> Iterator[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    if "anyOf" in old or "anyOf" in new:
        yield from _compare_choices(path, old, new, old_root, new_root)
        return
    missing = _types(old) - _types(new)
    if missing:
        yield f"{path}: {', '.join(sorted(missing))} is not allowed any more"
        return
    yield from _compare_limits(path, old, new)
    yield from _compare_fields(path, old, new, old_root, new_root)
    yield from _compare_items(path, old, new, old_root, new_root)


def _compare_choices(
    path: str, old: Schema, new: Schema, old_root: Schema, new_root: Schema
) -> Iterator[str]:
    yield from _compare_default(path, old, new)
    new_choices = [_resolved(choice, new_root) for choice in new.get("anyOf", (new,))]
    for raw in old.get("anyOf", (old,)):
        choice = {key: value for key, value in _resolved(raw, old_root).items() if key != "default"}
        found = [
            list(_compare(path, choice, _without_default(other), old_root, new_root))
            for other in new_choices
        ]
        if all(found):
            yield min(found, key=len)[0]


def _compare_limits(path: str, old: Schema, new: Schema) -> Iterator[str]:
    for limit in _LOWER_LIMITS:
        if limit in new and new[limit] > old.get(limit, float("-inf")):
            yield f"{path}: {limit} {new[limit]} refuses what {old.get(limit)} allowed"
    for limit in _UPPER_LIMITS:
        if limit in new and new[limit] < old.get(limit, float("inf")):
            yield f"{path}: {limit} {new[limit]} refuses what {old.get(limit)} allowed"
    for rule in _SAME:
        was, is_now = old.get(rule, _ABSENT), new.get(rule, _ABSENT)
        loosened = is_now is _ABSENT and rule != "default"
        if was != is_now and not loosened:
            yield f"{path}: {rule} is another one"
    if "enum" in new and not set(old.get("enum", (_ABSENT,))) <= set(new["enum"]):
        yield f"{path}: the enumeration lost a value"


def _compare_default(path: str, old: Schema, new: Schema) -> Iterator[str]:
    if old.get("default", _ABSENT) != new.get("default", _ABSENT):
        yield f"{path}: default is another one"


def _compare_fields(
    path: str, old: Schema, new: Schema, old_root: Schema, new_root: Schema
) -> Iterator[str]:
    was, is_now = old.get("properties", {}), new.get("properties", {})
    for name in was:
        if name not in is_now:
            yield f"{path}.{name}: the field is gone"
        else:
            yield from _compare(f"{path}.{name}", was[name], is_now[name], old_root, new_root)
    for name in new.get("required", ()):
        if name not in old.get("required", ()):
            what = "is required now" if name in was else "is new and has no default"
            yield f"{path}.{name}: the field {what}"
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"{path}: unknown fields are refused now"
    extra_old, extra_new = old.get("additionalProperties"), new.get("additionalProperties")
    if isinstance(extra_old, Mapping) and isinstance(extra_new, Mapping):
        yield from _compare(f"{path}.*", extra_old, extra_new, old_root, new_root)


def _compare_items(
    path: str, old: Schema, new: Schema, old_root: Schema, new_root: Schema
) -> Iterator[str]:
    was, is_now = old.get("prefixItems", ()), new.get("prefixItems", ())
    if len(is_now) < len(was):
        yield f"{path}: {len(was) - len(is_now)} place(s) of the array are gone"
    for place, (one, other) in enumerate(zip(was, is_now, strict=False)):
        yield from _compare(f"{path}[{place}]", one, other, old_root, new_root)
    items_old, items_new = old.get("items"), new.get("items")
    if isinstance(items_old, Mapping) and isinstance(items_new, Mapping):
        yield from _compare(f"{path}[]", items_old, items_new, old_root, new_root)
    elif items_new is False and items_old is not False:
        yield f"{path}: further items are refused now"


def _types(schema: Schema) -> set[str]:
    named = schema.get("type")
    if named is None:
        return {"anything"}
    return {named} if isinstance(named, str) else set(named)


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Follow `$ref` into `$defs`; what stands beside it (a default) is kept."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    target: Any = root["$defs"][reference.removeprefix("#/$defs/")]
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**_resolved(target, root), **beside}


def _without_default(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "default"}
