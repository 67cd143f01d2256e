"""A ComfyUI server, request by request."""

from __future__ import annotations

import contextlib
import re
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from processors.providers.asking import Again, not_now
from processors.providers.base import (
    Photo,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnavailable,
    ProviderUncertain,
    ProviderUnusable,
)
from processors.providers.comfyui_watching import Watching
from processors.providers.fetching import FETCH_ATTEMPTS_MAX, is_picture
from processors.providers.json_api import Answer, JsonApi
from processors.providers.polling import NotTold
from runtime.settings import Settings

Told = TypeVar("Told")

FOLDER = "pixelpop"
"""Of the server's inputs: where photos are put."""
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,100}")
_SUCCESS = "success"


class File(msgspec.Struct, frozen=True):
    """A picture as the server names it."""

    filename: str
    subfolder: str = ""
    type: str = "output"


class _Submitted(msgspec.Struct, frozen=True):
    prompt_id: str


class _Status(msgspec.Struct, frozen=True):
    status_str: str = _SUCCESS


class _Output(msgspec.Struct, frozen=True):
    images: list[File] = []


class Ended(msgspec.Struct, frozen=True):
    """A workflow that has ended."""

    outputs: dict[str, Any] = {}
    status: _Status | None = None

    def files(self, nodes: tuple[str, ...]) -> list[File]:
        """What these nodes have made, in their order."""
        files: list[File] = []
        for node in nodes:
            with contextlib.suppress(msgspec.ValidationError):
                files += msgspec.convert(self.outputs.get(node, {}), _Output).images
        return files

    @property
    def has_succeeded(self) -> bool:
        """Whether it ended as it should; older servers do not say."""
        return self.status is None or self.status.status_str == _SUCCESS


class _Queue(msgspec.Struct, frozen=True):
    queue_running: list[list[Any]] = []
    queue_pending: list[list[Any]] = []


class ComfyUiApi:
    """The requests to one server."""

    def __init__(self, settings: Settings) -> None:
        assert settings.comfyui_url is not None
        token = settings.comfyui_token
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._api = JsonApi(settings.comfyui_url, headers)
        self.watching = Watching(settings.comfyui_url, headers)
        self._bytes_max = settings.provider_picture_bytes_max
        self._takes_ids = False
        """Whether the server has shown that it takes the ids that we choose."""

    async def submit(self, graph: dict[str, Any], reference: str) -> str:
        """Put a workflow into the queue, under this id if the server takes it; returns its id.

        Raises:
            Again: it surely is not there.
            ProviderUncertain: nobody knows whether it is.
            ProviderError: it was refused.
        """
        body = {"prompt": graph, "prompt_id": reference, "client_id": reference}
        try:
            answer = await self._api.pay("prompt", body, {})
        except ProviderUncertain as error:
            return await self._looked_for(reference, error)
        if answer.status != HTTPStatus.OK:
            raise _said_no(answer)
        try:
            submitted = msgspec.json.decode(answer.body, type=_Submitted).prompt_id
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return await self._looked_for(reference, ProviderUncertain(str(error)))
        if not is_reference(submitted):
            raise ProviderUncertain("The server's id cannot be used.")
        self._takes_ids = self._takes_ids or submitted == reference
        return submitted

    async def _looked_for(self, reference: str, lost: ProviderUncertain) -> str:
        """After a lost answer the id that we chose tells whether it arrived."""
        try:
            if await self.find(reference) is not None or await self._is_queued(reference):
                return reference
        except NotTold:
            raise lost from None
        if self._takes_ids:
            raise Again("The server did not get it.") from lost
        raise lost

    async def find(self, reference: str) -> Ended | None:
        """How it ended; None: it has not, or the server does not know it.

        Raises:
            NotTold: it may be asked again.
        """
        answer = await self._api.ask("GET", f"history/{reference}")
        return _read(answer, dict[str, Ended]).get(reference)

    async def ended(self, reference: str) -> Ended | None:
        """How it ended; None: it waits or is being made.

        Raises:
            NotTold: it may be asked again.
            ProviderUncertain: the server knows it no more: it was started anew.
        """
        ended = await self.find(reference)
        if ended is None and not await self._is_queued(reference):
            ended = await self.find(reference)  # it may have ended between the two questions
            if ended is None:
                raise ProviderUncertain(f"The server does not know {reference}.")
        return ended

    async def cancel(self, reference: str) -> None:
        """Take it out of the queue, or interrupt it where it is the one that runs.

        Raises:
            NotTold: whether that was heard is not known.
        """
        await self._api.ask("POST", "queue", json={"delete": [reference]})
        queue = await self._queue()
        if _holds(queue.queue_running, reference):
            await self._api.ask("POST", "interrupt", json={"prompt_id": reference})

    async def forget(self, reference: str) -> None:
        """Have its words removed from the server's history; it does not matter if that fails."""
        with contextlib.suppress(NotTold):
            await self._api.ask("POST", "history", json={"delete": [reference]})

    async def upload(self, photo: Photo, name: str) -> str:
        """Put a photo where workflows find it; returns what they call it.

        Raises:
            ProviderUnavailable: it is not there.
        """
        try:
            answer = await self._api.ask(
                "POST",
                "upload/image",
                files={"image": (name, photo.data, photo.content_type)},
                data={"type": "input", "subfolder": FOLDER, "overwrite": "true"},
            )
            told = _read(answer, dict[str, str])
        except NotTold as error:
            raise Again(f"A photo was not taken: {error}") from error
        return "/".join(
            part for part in (told.get("subfolder", ""), told.get("name", name)) if part
        )

    async def picture(self, file: File) -> bytes:
        """Fetch a picture.

        Raises:
            ProviderUncertain: it was made, and cannot be had.
            ProviderUnusable: it is no picture.
        """
        where = {"filename": file.filename, "subfolder": file.subfolder, "type": file.type}
        trouble = ""
        for _ in range(FETCH_ATTEMPTS_MAX):
            try:
                answer = await self._api.ask("GET", "view", params=where, bytes_max=self._bytes_max)
            except NotTold as error:
                trouble = str(error)
                continue
            if answer.status == HTTPStatus.OK:
                if not is_picture(answer.body):
                    raise ProviderUnusable("What came is no picture.")
                return answer.body
            trouble = f"The server answered {answer.status}."
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                break
        raise ProviderUncertain(f"A picture that was made cannot be fetched: {trouble}")

    async def close(self) -> None:
        """Close all connections."""
        await self.watching.close()
        await self._api.close()

    async def _queue(self) -> _Queue:
        return _read(await self._api.ask("GET", "queue"), _Queue)

    async def _is_queued(self, reference: str) -> bool:
        queue = await self._queue()
        return _holds(queue.queue_running + queue.queue_pending, reference)


def is_reference(text: str) -> bool:
    """Whether this may be the id of a workflow; it becomes part of an address."""
    return _REFERENCE.fullmatch(text) is not None


def _holds(entries: list[list[Any]], reference: str) -> bool:
    return any(reference in entry[1:2] for entry in entries)


def _read(answer: Answer, kind: type[Told]) -> Told:
    if answer.status != HTTPStatus.OK:
        raise NotTold(f"The server answered {answer.status}.", answer.retry_after_seconds)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotTold("The server's answer cannot be read.") from error


def _said_no(answer: Answer) -> ProviderError:
    said = f"The server answered {answer.status}."
    later = not_now(answer.status, answer.headers, said)
    if later is not None:
        return later
    # A workflow that it does not take: a model or a node is not there, which words cannot mend.
    return ProviderMisconfigured(said)


def failed(reference: str) -> ProviderUnavailable:
    """The workflow ended with an error; what it says may repeat the prompt."""
    return ProviderUnavailable(f"Workflow {reference} failed.")
