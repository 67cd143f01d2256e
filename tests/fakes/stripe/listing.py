"""Lists in pages, and ids that are expanded into what they name.

Reference, "Pagination" (limit 1 to 100, cursors are ids of the list, newest first) and "Expanding
responses" (dots go deeper, at most four levels; in lists everything begins with `data`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from tests.fakes.stripe.books import WORDS, Books, Thing
from tests.fakes.stripe.errors import Invalid
from tests.fakes.stripe.rules import (
    EXPAND,
    Check,
    choice,
    created,
    fields,
    flag,
    integer,
    several,
    text,
)

PAGE_MAX = 100
PAGE_DEFAULT = 10
EXPAND_LEVELS_MAX = 4
EVENT_TYPES_MAX = 20

_OWN: dict[str, dict[str, Check]] = {
    "sessions": {"payment_intent": text(), "status": choice("complete", "expired", "open")},
    "intents": {},
    "charges": {"payment_intent": text()},
    "refunds": {"charge": text(), "payment_intent": text()},
    "disputes": {"charge": text(), "payment_intent": text()},
    "transactions": {"currency": text(3), "source": text(), "type": text()},
    "events": {
        "delivery_success": flag,
        "type": text(),
        "types": several(text(), most=EVENT_TYPES_MAX),
    },
}
_NOT_MODELLED = frozenset(
    {"customer", "customer_account", "customer_details", "payment_link", "payout"}
    | {"subscription", "transfer_group"}
)
_COMMON: dict[str, Check] = {
    "created": created,
    "ending_before": text(),
    "expand": EXPAND,
    "limit": integer(least=1, most=PAGE_MAX),
    "starting_after": text(),
}
LIST = {
    name: fields(optional={**_COMMON, **own}, not_modelled=_NOT_MODELLED)
    for name, own in _OWN.items()
}
RETRIEVE = fields(optional={"expand": EXPAND})

_EXPANDS: dict[str, dict[str, tuple[str, ...]]] = {
    "sessions": {"line_items": ("line_items",), "payment_intent": ("intents",)},
    "intents": {"latest_charge": ("charges",)},
    "charges": {"balance_transaction": ("transactions",), "payment_intent": ("intents",)},
    "refunds": {
        "balance_transaction": ("transactions",),
        "charge": ("charges",),
        "failure_balance_transaction": ("transactions",),
        "payment_intent": ("intents",),
    },
    "disputes": {"charge": ("charges",), "payment_intent": ("intents",)},
    "transactions": {"source": ("charges", "refunds", "disputes")},
}
"""Which fields of a collection's things can be expanded, and to things of which collections."""
_BY_PREFIX = {"ch": "charges", "py": "charges", "re": "refunds", "pyr": "refunds"} | {
    "du": "disputes",
    "pi": "intents",
    "txn": "transactions",
}
_BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": int.__gt__,
    "gte": int.__ge__,
    "lt": int.__lt__,
    "lte": int.__le__,
}


def page(books: Books, collection: str, given: Thing, path: str) -> Thing:
    """One page of a collection."""
    if "starting_after" in given and "ending_before" in given:
        message = "You can only use one of these: starting_after, ending_before."
        raise Invalid(message, param="starting_after")
    if "type" in given and "types" in given and collection == "events":
        raise Invalid("You may pass either type or types, not both.", param="types")
    things = [thing for thing in books.all(collection) if _matches(thing, given)]
    limit = given.get("limit", PAGE_DEFAULT)
    if "ending_before" in given:
        things = things[: _place(books, collection, things, given, "ending_before")]
        more, things = len(things) > limit, things[-limit:]
    else:
        if "starting_after" in given:
            things = things[_place(books, collection, things, given, "starting_after") + 1 :]
        more, things = len(things) > limit, things[:limit]
    return {
        "object": "list",
        "data": [copy.deepcopy(thing) for thing in things],
        "has_more": more,
        "url": path,
    }


def _place(books: Books, collection: str, things: list[Thing], given: Thing, param: str) -> int:
    cursor = books.get(collection, given[param], param, status=400)
    ids = [thing["id"] for thing in things]
    if cursor["id"] not in ids:
        raise Invalid(f"{param} names a {WORDS[collection]} outside of this list", param=param)
    return ids.index(cursor["id"])


def _matches(thing: Thing, given: Thing) -> bool:
    bounds = given.get("created", {})
    if not all(_BOUNDS[name](thing["created"], value) for name, value in bounds.items()):
        return False
    if "types" in given and thing["type"] not in given["types"]:
        return False
    if "delivery_success" in given and given["delivery_success"] != (
        thing["pending_webhooks"] == 0
    ):
        return False
    plain = set(given) - set(_COMMON) - {"types", "delivery_success"}
    return all(
        fnmatchcase(thing["type"], given[name]) if name == "type" else thing[name] == given[name]
        for name in plain
    )


def check_expand(collection: str, paths: list[str], *, in_list: bool) -> None:
    """Refuses what cannot be expanded, before anything is done."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > EXPAND_LEVELS_MAX:
            message = f"You cannot expand more than {EXPAND_LEVELS_MAX} levels of a property."
            raise Invalid(message, param="expand")
        refused = Invalid(f"This property cannot be expanded ({path}).", param="expand")
        if in_list and (parts.pop(0) != "data" or not parts):
            raise refused
        kinds = {collection}
        for part in parts:
            kinds = {kind for one in kinds for kind in _EXPANDS.get(one, {}).get(part, ())}
            if not kinds:
                raise refused


def expanded(books: Books, answer: Thing, paths: list[str]) -> Thing:
    """A copy of the answer with what these paths, checked before, name in place of ids."""
    answer = copy.deepcopy(answer)
    for path in paths:
        parts = path.split(".")
        if answer["object"] == "list":
            for one in answer["data"]:
                _expand(books, one, parts[1:])
        else:
            _expand(books, answer, parts)
    return answer


def _expand(books: Books, thing: Thing, parts: list[str]) -> None:
    head, *rest = parts
    value: Any = thing.get(head)
    if head == "line_items":
        value = line_items(books, thing["id"])
    elif isinstance(value, str):
        collection = _BY_PREFIX[value.partition("_")[0]]
        value = copy.deepcopy(books.get(collection, value))
    if value is not None:
        thing[head] = value
        if rest:
            _expand(books, value, rest)


def line_items(books: Books, session_id: str) -> Thing:
    """What a session sells."""
    path = f"/v1/checkout/sessions/{session_id}/line_items"
    data = copy.deepcopy(books.line_items[session_id])
    return {"object": "list", "data": data, "has_more": False, "url": path}
