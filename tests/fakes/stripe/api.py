"""Which call does what: method and path to a change of the books, and its answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.fakes.stripe import checkout, listing, payments
from tests.fakes.stripe.books import Books, Thing
from tests.fakes.stripe.errors import Refused
from tests.fakes.stripe.rules import EXPAND, Check, fields

_COLLECTIONS = {
    "checkout/sessions": "sessions",
    "payment_intents": "intents",
    "charges": "charges",
    "refunds": "refunds",
    "disputes": "disputes",
    "balance_transactions": "transactions",
    "events": "events",
}
_THINGS = re.compile(rf"/v1/(?P<things>{'|'.join(_COLLECTIONS)})(?:/(?P<id>[A-Za-z0-9_]+))?")
_SESSION = re.compile(r"/v1/checkout/sessions/(?P<id>[A-Za-z0-9_]+)/(?P<what>expire|line_items)")
_EXPAND_ALONE = fields(optional={"expand": EXPAND})

Make = Callable[[], Thing]


class Api:
    """`plan` checks a call and gives what would do it: so that checks come before effects."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.refunds_become = "succeeded"
        """What a refund by card is at first; others begin `pending`."""

    def plan(self, method: str, path: str, params: dict[str, Any]) -> Make:
        """Refuses unknown addresses and wrong parameters."""
        about_session = _SESSION.fullmatch(path)
        if about_session is not None:
            wanted = {"expire": "POST", "line_items": "GET"}[about_session["what"]]
            if method == wanted:
                return self._about_session(params, about_session["id"], about_session["what"])
        found = _THINGS.fullmatch(path)
        if found is not None:
            collection = _COLLECTIONS[found["things"]]
            if method == "GET":
                return self._read(collection, found["id"], params, path)
            if method == "POST" and found["id"] is None and collection in {"sessions", "refunds"}:
                return self._create(collection, params)
        message = f"Unrecognized request URL ({method}: {path})."
        raise Refused(message, status=404)

    def _about_session(self, params: dict[str, Any], session_id: str, what: str) -> Make:
        books = self.books
        if what == "line_items":
            fields()(params, "")
            books.get("sessions", session_id, "session")
            return lambda: listing.line_items(books, session_id)
        paths = _EXPAND_ALONE(params, "").get("expand", [])
        listing.check_expand("sessions", paths, in_list=False)

        def make() -> Thing:
            session = books.get("sessions", session_id, "session")
            return listing.expanded(books, checkout.expire(books, session), paths)

        return make

    def _read(
        self, collection: str, thing_id: str | None, params: dict[str, Any], path: str
    ) -> Make:
        books = self.books
        check: Check = listing.RETRIEVE if thing_id else listing.LIST[collection]
        given = check(params, "")
        listing.check_expand(collection, given.get("expand", []), in_list=thing_id is None)

        def make() -> Thing:
            if thing_id is not None:
                thing = books.get(collection, thing_id)
            else:
                thing = listing.page(books, collection, given, path)
            return listing.expanded(books, thing, given.get("expand", []))

        return make

    def _create(self, collection: str, params: dict[str, Any]) -> Make:
        books = self.books
        check = checkout.CREATE if collection == "sessions" else payments.REFUND
        given = check(params, "")
        listing.check_expand(collection, given.get("expand", []), in_list=False)

        def make() -> Thing:
            if collection == "sessions":
                made = checkout.create(books, given)
            else:
                made = payments.refund(books, given, card_status=self.refunds_become)
            return listing.expanded(books, made, given.get("expand", []))

        return make
