"""`POST /moderation/check`: what the first stage would say of texts, before they are sent."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, post
from litestar.types import ASGIApp

from commands.moderation import VERSION, judge
from gateway.access.permissions import GENERATIONS_WRITE
from gateway.api.contract import contract
from gateway.moderation.documents import CheckDocument, CheckRequest
from gateway.web.errors import field_problem
from gateway.web.replies import body_of, deps_of, reply, signed_in

_decoder = msgspec.json.Decoder(CheckRequest)


@post(
    "/moderation/check",
    status_code=200,
    opt=contract(
        "Moderation",
        "check_texts",
        "Check texts before they are sent.",
        {200: CheckDocument},
        body=CheckRequest,
        scopes=(GENERATIONS_WRITE,),
        details=(
            "Says what the word lists say, and nothing else is done: nothing is kept or charged. "
            "A model may still refuse later what they let pass. Limited by the minute."
        ),
    ),
)
async def check(request: Request[Any, Any, Any]) -> ASGIApp:
    """Ask the lists."""
    deps = deps_of(request)
    account = await signed_in(request)
    await deps.limits.take(deps.limits.policies.checks, account.account_id)
    data = await body_of(request, _decoder)
    if not (data.prompt or data.negative_prompt or data.title or data.instructions):
        raise field_problem("prompt", "or another text must be there to be checked")
    rule = judge(data.prompt, data.title, data.instructions, negative=data.negative_prompt)
    return reply(
        CheckDocument(
            allowed=rule is None,
            reason=None if rule is None else rule.category,
            rule_id=None if rule is None else rule.id,
            list_version=VERSION,
        )
    )
