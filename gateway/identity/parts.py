"""The parts that know who asks, made together: each stands on those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.access.lookup import Access
from gateway.identity.oidc import OpenIdConnect
from gateway.identity.proofs import Proofs
from gateway.identity.sign_in import SignIn
from gateway.identity.signed_in import Authenticator
from gateway.identity.standing import Standings
from gateway.identity.tokens import Tokens
from gateway.identity.wrapped_keys import batched_loader
from runtime.crypto.keys import AccountKeys
from runtime.crypto.master import MasterKeys, master_keys
from runtime.kafka.clock import BrokerClock
from runtime.postgres.pool import Pool
from runtime.settings import Settings

if TYPE_CHECKING:
    from gateway.deps import Log


class Identity(NamedTuple):
    """These parts, by the names that `gateway.deps.Deps` has for them."""

    masters: MasterKeys
    keys: AccountKeys
    tokens: Tokens
    oidc: OpenIdConnect
    proofs: Proofs
    standings: Standings
    sign_in: SignIn
    access: Access
    authenticator: Authenticator


def identity(
    settings: Settings, pool: Pool, log: Log, clock: BrokerClock, jwt_secret: str
) -> Identity:
    """Make them.

    Raises:
        SettingsError: a key or secret cannot be used.
    """
    masters = master_keys(settings)
    keys = AccountKeys(batched_loader(pool), masters)
    others = (one.strip() for one in settings.jwt_other_secrets.split(","))
    tokens = Tokens(jwt_secret, filter(None, others))
    oidc = OpenIdConnect(settings, tokens)
    proofs = Proofs(settings, oidc)
    standings = Standings(pool, keys, masters)
    sign_in = SignIn(settings, pool, log, keys, masters, clock, standings)
    access = Access(settings, pool)
    authenticator = Authenticator(
        tokens,
        proofs,
        sign_in,
        standings,
        keys,
        access,
        accounts_max=settings.cached_tokens_max,
    )
    return Identity(masters, keys, tokens, oidc, proofs, standings, sign_in, access, authenticator)
