"""The app: its routes, and the layer around them."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from litestar import Litestar, Request
from litestar.datastructures import State

from gateway.access import admin, admin_customers, api_keys
from gateway.account import export, me
from gateway.api.openapi import describe
from gateway.batches import routes as batches
from gateway.deps import Deps
from gateway.generations import catalogue, gallery, images
from gateway.generations import routes as generations
from gateway.grants import admin_promotions, claims, gifts, goodwill, promotions, referrals
from gateway.identity import auth, links, oidc_start
from gateway.live import routes as live
from gateway.moderation import admin_appeals, appeals, checking
from gateway.money import (
    admin_spending,
    credits,  # noqa: A004  the resource is called so
    purchases,
    refunds,
    stripe_routes,
)
from gateway.operations import routes as operations
from gateway.providers import routes as providers
from gateway.sharing import looking, shares
from gateway.telegram import routes as telegram
from gateway.uploads import routes as uploads
from gateway.web.front import Front
from gateway.webhooks import deliveries, endpoints

ROUTES: Final = (
    auth.login,
    oidc_start.begin,
    links.show,
    links.link,
    links.unlink,
    catalogue.get_styles,
    catalogue.get_models,
    catalogue.get_packs,
    uploads.create,
    uploads.read,
    uploads.complete,
    uploads.list_all,
    uploads.remove,
    generations.create,
    gallery.gallery,
    generations.read,
    generations.cancel,
    generations.remove,
    generations.restore,
    batches.create,
    batches.list_all,
    batches.read,
    batches.cancel,
    images.remove,
    images.restore,
    checking.check,
    appeals.file,
    appeals.read,
    images.download,
    shares.create,
    shares.list_all,
    shares.remove,
    looking.read,
    looking.page,
    looking.photo,
    looking.passed_photo,
    looking.passed_thumbnail,
    live.make_ticket,
    live.account_events,
    live.generation_events,
    api_keys.create,
    api_keys.get_api_keys,
    api_keys.remove,
    me.read,
    me.change,
    me.erase,
    export.export,
    credits.get_credits,
    credits.get_history,
    purchases.buy,
    purchases.get_purchases,
    refunds.refund,
    refunds.get_of_account,
    refunds.refund_of_account,
    promotions.redeem,
    referrals.read_referrals,
    gifts.give,
    gifts.list_gifts,
    gifts.take_back,
    claims.claim,
    endpoints.create,
    endpoints.list_all,
    endpoints.read,
    endpoints.change,
    endpoints.remove,
    endpoints.rotate,
    deliveries.test,
    deliveries.list_all,
    deliveries.read,
    deliveries.replay,
    deliveries.replay_failed,
    providers.replicate,
    providers.fal,
    telegram.tell,
    stripe_routes.tell,
    admin.read,
    admin.grant_role,
    admin.revoke_role,
    admin.ban,
    admin.unban,
    admin_customers.admit,
    admin_customers.create_key,
    admin_customers.get_keys,
    admin_customers.revoke_key,
    admin_promotions.open_promotion,
    admin_promotions.list_promotions,
    admin_promotions.close_promotion,
    goodwill.give,
    admin_appeals.list_appeals,
    admin_appeals.uphold,
    admin_appeals.overturn,
    admin_appeals.statistics,
    admin_spending.spending,
    operations.healthz,
    operations.readyz,
    operations.metrics,
    operations.openapi,
    operations.docs,
    operations.docs_script,
    operations.home,
)


def create_app(deps: Deps) -> Front:
    """The ASGI app over these parts."""
    state = State({"deps": deps, "openapi": describe(routes_only())})
    return Front(_litestar(state), deps)


def routes_only() -> Litestar:
    """The routes without their parts, for the contract."""
    return _litestar(State())


def _litestar(state: State) -> Litestar:
    return Litestar(
        route_handlers=ROUTES,
        state=state,
        openapi_config=None,  # the contract is made by `openapi`
        exception_handlers={Exception: _pass_on},
        logging_config=None,
        request_max_body_size=None,  # `http.read_body` bounds what is read
    )


def _pass_on(_request: Request[Any, Any, Any], error: Exception) -> NoReturn:
    """Leave every exception to `front`, which makes it a problem document."""
    raise error
