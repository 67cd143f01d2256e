"""Replicate's predictions API, request by request.

Not through the package `replicate`: its client repeats requests by itself after 429, 503 and lost
connections, and creating a prediction is what costs money. Three plain requests are all that is
needed. A prediction is created on a connection of its own and at most once; asking for it and
cancelling it cost nothing.
"""

from __future__ import annotations

import math
import re
from http import HTTPStatus
from typing import Any

import msgspec

from processors.providers.asking import not_now
from processors.providers.base import (
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUncertain,
)
from processors.providers.json_api import Answer, JsonApi
from processors.providers.polling import NotTold
from runtime.settings import Settings

CANCEL_AFTER_SECONDS_MIN = 5
"""Replicate takes no shorter deadline."""
ENDED = frozenset({"succeeded", "failed", "canceled", "aborted"})
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,100}")
_REFUSALS = re.compile(r"nsfw|safety|sensitive|flagged|content policy|moderation", re.IGNORECASE)
_BAD_REQUEST = {400, 422}
_NOT_KNOWN = {404, 410}


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction as the API tells of it; what else it tells is not needed."""

    id: str
    status: str
    """`starting`, `processing`, or one of `ENDED`."""
    output: Any = None
    """The addresses of the pictures, or one of them; this comes from outside."""
    error: Any = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ENDED

    @property
    def was_refused(self) -> bool:
        """Whether it failed because of what it would show."""
        return is_refusal(self.error)

    @property
    def addresses(self) -> list[str]:
        """Where its pictures are, in their order."""
        output = [self.output] if isinstance(self.output, str) else self.output
        return [one for one in output or () if isinstance(one, str)]


class ReplicateApi:
    """The requests; every one ends within `REQUEST_SECONDS_MAX`."""

    def __init__(self, settings: Settings) -> None:
        headers = {"Authorization": f"Bearer {settings.replicate_api_token}"}
        self._api = JsonApi(settings.replicate_base_url, headers)
        seconds = max(math.ceil(settings.replicate_timeout_seconds), CANCEL_AFTER_SECONDS_MIN)
        self._cancel_after = f"{seconds}s"

    async def submit(self, model: str, inputs: dict[str, Any], webhook: str | None) -> Prediction:
        """Create a prediction; this is what costs money.

        Args:
            model: `owner/name` or `owner/name:version`.
            inputs: the model's.
            webhook: where to tell that it has ended.

        Raises:
            Again: surely nothing was created.
            ProviderUncertain: nobody knows whether one was.
            ProviderError: it was refused; nothing was created.
        """
        body: dict[str, Any] = {"input": inputs}
        name, _, version = model.partition(":")
        if version:
            body["version"] = version
        if webhook is not None:
            body |= {"webhook": webhook, "webhook_events_filter": ["completed"]}
        path = "predictions" if version else f"models/{name}/predictions"
        # Ends by itself there, also when nobody is left here to cancel it.
        answer = await self._api.pay(path, body, {"Cancel-After": self._cancel_after})
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise _said_no(answer)
        try:
            return _decoded(answer.body)
        except ValueError as error:
            raise ProviderUncertain("A prediction was made, and nobody knows which.") from error

    async def find(self, reference: str) -> Prediction | None:
        """How a prediction stands; None: there is none of this id.

        Raises:
            NotTold: it may be asked again.
        """
        answer = await self._api.ask("GET", f"predictions/{reference}")
        if answer.status in _NOT_KNOWN:
            return None
        if answer.status != HTTPStatus.OK:
            raise NotTold(f"The API answered {answer.status}.", answer.retry_after_seconds)
        try:
            found = _decoded(answer.body)
        except ValueError as error:
            raise NotTold("The API's answer cannot be read.") from error
        if found.id != reference:
            raise NotTold("The API told of another prediction.")
        return found

    async def cancel(self, reference: str) -> None:
        """Ask for its end; how it ended is told by `find`.

        Raises:
            NotTold: whether that was heard is not known.
        """
        await self._api.ask("POST", f"predictions/{reference}/cancel")

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()


def is_refusal(error: object) -> bool:
    """Whether a model's error says that it will not show such a thing."""
    return isinstance(error, str) and _REFUSALS.search(error) is not None


def is_reference(text: str) -> bool:
    """Whether this may be the id of a prediction; it becomes part of an address."""
    return _REFERENCE.fullmatch(text) is not None


def _decoded(told: bytes) -> Prediction:
    """Raises ValueError if it is no prediction."""
    try:
        prediction = msgspec.json.decode(told, type=Prediction)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    if not is_reference(prediction.id):
        raise ValueError("the prediction's id cannot be used")
    return prediction


def _said_no(answer: Answer) -> ProviderError:
    said = f"The API answered {answer.status}."
    later = not_now(answer.status, answer.headers, said)
    if later is not None:
        return later
    if answer.status in _BAD_REQUEST:
        # What it says may repeat the prompt, so it is looked at and not shown.
        refused = is_refusal(answer.body.decode("utf-8", "replace"))
        return ProviderRefused(said) if refused else ProviderError(said)
    return ProviderMisconfigured(said)
