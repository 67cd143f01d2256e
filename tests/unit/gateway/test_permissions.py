"""Who may do what: roles, scopes, and where a route's needs meet a caller's."""

from __future__ import annotations

from typing import Any, get_args
from uuid import uuid4

import pytest

from events.ids import AccountId
from gateway.access.admin_documents import GrantedRole
from gateway.access.api_keys_store import Scope
from gateway.access.lookup import AppointedRoles
from gateway.access.permissions import GRANTED, ROLES, SCOPES, require
from gateway.api.contract import KEY, Contract
from gateway.app import routes_only
from gateway.identity.signed_in import TICKET, Account
from gateway.web.errors import Problem
from runtime.errors import SettingsError
from runtime.settings import Settings


def _account(**rest: Any) -> Account:
    return Account(AccountId(str(uuid4())), b"k" * 32, 0.0, **rest)


def _contract(**rest: Any) -> Contract:
    return Contract("Credits", "some_name", "Does something.", {200: None}, **rest)


def _contracts() -> list[Contract]:
    return [
        handler.opt[KEY]
        for route in routes_only().routes
        for handler in route.route_handlers
        if KEY in handler.opt
    ]


def _code(account: Account, contract: Contract) -> str | None:
    try:
        require(account, contract)
    except Problem as problem:
        return problem.code
    return None


def test_a_person_needs_no_scopes() -> None:
    """Who signed in may do everything with what is theirs."""
    person = _account()
    assert _code(person, _contract()) is None
    assert _code(person, _contract(scopes=("credits:read",))) is None


def test_a_route_that_names_no_scopes_is_closed_to_keys() -> None:
    """A new route that forgets its scopes is closed to API keys, not open."""
    key = _account(scopes=frozenset(SCOPES), via="api_key")
    assert _code(key, _contract()) == "scope-missing"


def test_a_key_needs_every_scope_that_is_named() -> None:
    """One of two scopes is not enough."""
    contract = _contract(scopes=("credits:read", "credits:buy"))
    key = _account(scopes=frozenset({"credits:read"}), via="api_key")
    assert _code(key, contract) == "scope-missing"
    key = _account(scopes=frozenset({"credits:read", "credits:buy"}), via="api_key")
    assert _code(key, contract) is None


def test_a_role_is_needed_by_everybody() -> None:
    """One of the named roles opens a route; no scope does."""
    contract = _contract(roles=("auditor", "admin"))
    assert _code(_account(), contract) == "role-missing"
    assert _code(_account(scopes=frozenset(SCOPES), via="api_key"), contract) == "role-missing"
    assert _code(_account(roles=frozenset({"user", "auditor"})), contract) is None


def test_a_ticket_opens_streams_and_nothing_else() -> None:
    """The scopes of a stream ticket fit the two streams and the making of tickets."""
    ticket = _account(scopes=TICKET, via="ticket")
    opened = {one.name for one in _contracts() if not one.public and _code(ticket, one) is None}
    assert opened == {"make_stream_ticket", "watch_account", "watch_generation"}


def test_routes_name_scopes_and_roles_that_exist() -> None:
    """No route can ask for what nobody can have."""
    for one in _contracts():
        assert set(one.scopes) <= SCOPES.keys(), one.name
        assert set(one.roles) <= ROLES.keys(), one.name
        assert not (one.public and (one.scopes or one.roles)), one.name


def test_every_admin_route_needs_the_role() -> None:
    """Nothing of the group Administration is open to everybody."""
    for one in _contracts():
        assert (one.group == "Administration") == ("admin" in one.roles), one.name


def test_the_contract_lists_what_there_is() -> None:
    """The schema's choices are the scopes and the roles that exist."""
    assert set(get_args(Scope)) == SCOPES.keys()
    assert set(get_args(GrantedRole)) == GRANTED


def test_settings_appoint_people_and_accounts() -> None:
    """An account has a role by its id, or by an outside identity that signs in to it."""
    account_id = str(uuid4())
    appointed = AppointedRoles(
        Settings(admins=f"telegram:42, {account_id}", auditors="telegram:42", analysts="")
    )
    assert appointed.of(account_id, frozenset()) == {"admin"}
    assert appointed.of(str(uuid4()), frozenset({"telegram:42"})) == {"admin", "auditor"}
    assert appointed.of(str(uuid4()), frozenset({"telegram:421", "oidc_x:42"})) == frozenset()
    assert AppointedRoles(Settings()).of(account_id, frozenset({"telegram:42"})) == frozenset()


@pytest.mark.parametrize("entry", ["42", ":42", "telegram:", "@ada"])
def test_an_entry_that_names_nobody_stops_the_start(entry: str) -> None:
    """A mistyped admin is told at once, not found out later."""
    with pytest.raises(SettingsError, match="PIXELPOP_ADMINS"):
        AppointedRoles(Settings(admins=entry))
