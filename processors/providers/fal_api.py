"""fal's queue, request by request.

Not through the package `fal-client`: it repeats requests by itself, and submitting one is what
costs money. fal repeats a request inside its queue only after errors that it does not charge for.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from processors.providers.asking import not_now
from processors.providers.base import (
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
)
from processors.providers.json_api import Answer, JsonApi
from processors.providers.polling import NotTold
from runtime.settings import Settings

Told = TypeVar("Told")

RUNNING = frozenset({"IN_QUEUE", "IN_PROGRESS"})
KEEP = '{"expiration_duration_seconds":3600}'
"""How long fal keeps what it made; ours is stored by then."""
START_SECONDS_MIN = 2
"""fal takes no shorter one."""
ERROR_HEADER = "x-fal-error-type"
CANCELLED = frozenset({"client_cancelled", "client_disconnected"})
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,100}")
_REFUSALS = frozenset({"content_policy_violation"})
_BAD_REQUEST = {400, 422}
_NOT_KNOWN = {404, 410}


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """A request in the queue; its addresses are not followed, so that no answer gets our key."""

    request_id: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How a request stands."""

    status: str
    error: Any = None
    error_type: str | None = None


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A picture, at an address that comes from outside."""

    url: str


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What a model answers."""

    images: list[File] = []
    has_nsfw_concepts: list[bool] = []
    """Which of them the safety checker has blackened."""

    @property
    def addresses(self) -> list[str]:
        """Where the pictures are that may be shown."""
        blackened = {at for at, flagged in enumerate(self.has_nsfw_concepts) if flagged}
        return [one.url for at, one in enumerate(self.images) if at not in blackened]


class ErrorPart(msgspec.Struct, frozen=True, kw_only=True):
    """One of the things that are wrong with a request; what it says in words is not shown."""

    type: str = ""


class ModelError(msgspec.Struct, frozen=True, kw_only=True):
    """How a model refuses a request."""

    detail: list[ErrorPart] | str = ""

    @property
    def is_refusal(self) -> bool:
        """Whether it will not show such a thing."""
        parts = [] if isinstance(self.detail, str) else self.detail
        return any(part.type in _REFUSALS for part in parts)


class FalApi:
    """The requests of one key."""

    def __init__(self, settings: Settings) -> None:
        headers = {
            "Authorization": f"Key {settings.fal_key}",
            "X-Fal-Store-IO": "0",  # the prompt is nobody else's
            "X-Fal-Object-Lifecycle-Preference": KEEP,
        }
        self._api = JsonApi(settings.fal_base_url, headers)

    async def submit(
        self, model: str, inputs: dict[str, Any], webhook: str | None, start_seconds: float
    ) -> str:
        """Put a request into the queue; this is what costs money. Returns its id.

        Args:
            model: `owner/app` and perhaps a path.
            inputs: the model's.
            webhook: where to tell that it has ended.
            start_seconds: a request that has not begun by then never does.

        Raises:
            Again: surely there is no request.
            ProviderUncertain: nobody knows whether there is one.
            ProviderError: it was refused; there is none.
        """
        path = model if webhook is None else f"{model}?{urlencode({'fal_webhook': webhook})}"
        headers = {"X-Fal-Request-Timeout": str(max(int(start_seconds), START_SECONDS_MIN))}
        answer = await self._api.pay(path, inputs, headers)
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise _said_no(answer)
        try:
            submitted = msgspec.json.decode(answer.body, type=Submitted)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProviderUncertain("A request was taken, and nobody knows which.") from error
        if not is_reference(submitted.request_id):
            raise ProviderUncertain("A request was taken under an id that cannot be used.")
        return submitted.request_id

    async def find(self, model: str, reference: str) -> Made | None:
        """What came of a request; None: it is still in the queue, or being made.

        Raises:
            NotTold: it may be asked again.
            ProviderError: it ended without a picture; `ProviderUncertain`: perhaps with one.
        """
        path = f"{_app(model)}/requests/{reference}"
        status = _read(await self._api.ask("GET", f"{path}/status"), Status)
        if status.status in RUNNING:
            return None
        if status.error_type in CANCELLED:
            raise ProviderUncertain(f"Request {reference} was cancelled.")
        answer = await self._api.ask("GET", path)
        if answer.status in _BAD_REQUEST:
            raise _said_no(answer)
        failed = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if failed and (status.error is not None or answer.headers.get(ERROR_HEADER)):
            # An error of the model's, told each time it is asked for; fal charges nothing for it.
            raise ProviderUnavailable(f"Request {reference} failed with {answer.status}.")
        return _read(answer, Made)

    async def cancel(self, model: str, reference: str) -> None:
        """Ask for its end; how it ended is told by `find`.

        Raises:
            NotTold: whether that was heard is not known.
        """
        await self._api.ask("PUT", f"{_app(model)}/requests/{reference}/cancel")

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()


def is_reference(text: str) -> bool:
    """Whether this may be the id of a request; it becomes part of an address."""
    return _REFERENCE.fullmatch(text) is not None


def _app(model: str) -> str:
    """What a request is asked for under: the model without its path."""
    return "/".join(model.split("/")[:2])


def _read(answer: Answer, kind: type[Told]) -> Told:
    if answer.status in _NOT_KNOWN:
        raise ProviderUncertain("fal knows the request no more.")
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        raise NotTold(f"The API answered {answer.status}.", answer.retry_after_seconds)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotTold("The API's answer cannot be read.") from error


def _said_no(answer: Answer) -> ProviderError:
    said = f"The API answered {answer.status}."
    later = not_now(answer.status, answer.headers, said)
    if later is not None:
        return later
    if answer.status in _BAD_REQUEST:
        try:
            refused = msgspec.json.decode(answer.body, type=ModelError).is_refusal
        except (msgspec.DecodeError, UnicodeDecodeError):
            refused = False
        return ProviderRefused(said) if refused else ProviderError(said)
    return ProviderMisconfigured(said)
