"""The begin of a sign-in by OpenID Connect: `POST /auth/oidc`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.types import ASGIApp

from gateway.api.contract import contract
from gateway.api.documents import says
from gateway.identity.oidc import FLOW_SECONDS
from gateway.web.replies import deps_of, reply


class OidcFlowDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Where to send the browser, and what it keeps until it is back."""

    authorization_url: Annotated[str, says("Of the issuer; for `location.assign`.")]
    flow: Annotated[
        str, says("For `sessionStorage`; whoever else has it cannot use it without the code.")
    ]
    expires_in: Annotated[int, says("In seconds.")]


@post(
    "/auth/oidc",
    status_code=200,
    opt=contract(
        "Sign-in",
        "begin_oidc_sign_in",
        "Begin to sign in with OpenID Connect.",
        {200: OidcFlowDocument},
        problems=("oidc-not-configured", "oidc-unavailable"),
        public=True,
        details=(
            "For a page in a browser outside Telegram. Keep `flow`, send the browser to "
            "`authorization_url`; the issuer sends it back to your page with `code` and `state`. "
            "Hand all three to POST /auth/login as `oidc`."
        ),
    ),
)
async def begin(request: Request[Any, Any, Any]) -> ASGIApp:
    """State, nonce and verifier are new each time."""
    flow = await deps_of(request).oidc.start()
    return reply(
        OidcFlowDocument(
            authorization_url=flow.authorization_url, flow=flow.flow, expires_in=FLOW_SECONDS
        )
    )
