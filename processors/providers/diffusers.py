"""The provider `diffusers`: SDXL and LoRA on a graphics card of this machine's own.

The card makes one request after another, in a thread; the event loop goes on meanwhile. A call
costs nothing, so whatever becomes of it, it may be made again. What torch is needed for stands in
`diffusers_pipeline`, which is loaded only where a model is set.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import structlog

from processors.providers.base import (
    EDIT,
    IMAGE,
    VARIATION,
    AnswersInPlace,
    Call,
    ImageRequest,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnavailable,
    TooLate,
)
from processors.providers.extras import require_diffusers
from processors.worker import metrics
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

STOP_SECONDS_MAX = 10.0
"""How long a step may take to notice that its request is not wanted any more."""


class Stopped(Exception):
    """A request was ended between two steps."""


class Drawing(Protocol):
    """A model that is loaded; called in one thread only."""

    def draw(self, request: ImageRequest, stop: threading.Event) -> list[bytes]:
        """Draw; as many as are asked for.

        Raises:
            Stopped: `stop` was set.
            ProviderError: it cannot be drawn.
        """
        ...


class DiffusersProvider(AnswersInPlace):
    """Draws with `DIFFUSERS_MODEL`, which is loaded in the background from the start on.

    Args:
        settings: the model and the limits.
        load: loads it; unset: by `diffusers_pipeline`.

    Raises:
        SettingsError: the extra is not installed.
    """

    name = "diffusers"
    free = True
    kinds = frozenset({IMAGE, EDIT, VARIATION})

    def __init__(self, settings: Settings, load: Callable[[], Drawing] | None = None) -> None:
        self.timeout_seconds = settings.diffusers_timeout_seconds
        if load is None:
            require_diffusers("DIFFUSERS_MODEL")
            load = _loader(settings)
        self._thread = ThreadPoolExecutor(1, "diffusers")
        self._loading: Future[Drawing] = self._thread.submit(_told, load)
        self._card = asyncio.Lock()

    async def generate(self, request: ImageRequest, call: Call) -> list[bytes]:
        """See `Provider`."""
        try:
            drawing = await asyncio.wrap_future(self._loading)
        except ProviderError:
            raise
        except Exception as error:
            raise ProviderMisconfigured(f"The model was not loaded: {error!r}") from error
        async with self._card:
            if not call.may_start():
                raise TooLate("The card was not free in time.")
            began = time.monotonic()
            outcome = "answered"
            try:
                return await self._drawn(drawing, request)
            except ProviderError as error:
                outcome = error.code
                raise
            finally:
                seconds = time.monotonic() - began
                metrics.CALL_SECONDS.labels(self.name, outcome).observe(seconds)

    async def close(self) -> None:
        """Drop what waits for the card; a model that is being loaded is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _drawn(self, drawing: Drawing, request: ImageRequest) -> list[bytes]:
        stop = threading.Event()
        drawn = asyncio.get_running_loop().run_in_executor(
            self._thread, drawing.draw, request, stop
        )
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await asyncio.shield(drawn)
        except TimeoutError as error:
            raise ProviderUnavailable("It took too long.") from error
        except (ProviderError, asyncio.CancelledError):
            raise
        except Exception as error:  # out of memory, for example: of torch's own many kinds
            raise ProviderUnavailable(f"The card failed: {type(error).__name__}.") from error
        finally:
            # The next request gets the card when this one has let go of it.
            stop.set()
            await asyncio.wait([drawn], timeout=STOP_SECONDS_MAX)
            if drawn.done() and not drawn.cancelled():
                drawn.exception()


def _loader(settings: Settings) -> Callable[[], Drawing]:
    def load() -> Drawing:
        from processors.providers.diffusers_pipeline import Pipeline

        return Pipeline(settings)

    return load


def _told(load: Callable[[], Drawing]) -> Drawing:
    began = time.monotonic()
    try:
        drawing = load()
    except Exception as error:
        _log.error("the model was not loaded", error=repr(error))
        raise
    _log.info("the model is loaded", seconds=round(time.monotonic() - began, 1))
    return drawing
