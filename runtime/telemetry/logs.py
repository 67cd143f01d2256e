"""Log lines: one form for ours and the libraries', with a correlation id and without secrets.

Lines go to stderr, because stdout belongs to what a command prints. A line is an event in plain
words with `key=value`; on a terminal it is for people, elsewhere one JSON object.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

import msgspec
import structlog
from structlog.types import Processor

from runtime.settings import Settings

HIDDEN = "(hidden)"

_SECRET_NAME = re.compile(
    r"(^|_)(password|passwd|secret|tokens?|authorization|cookies?|credentials?|jwt|init_data|dsn|"
    r"database_url|owner_url|(api|access|account|master|private|signing|wrapped)_keys?|"
    r"(negative_)?prompts?)(_|$)",
    re.IGNORECASE,
)
_HARMLESS_NAME = re.compile(r"_(id|ids|count|seconds|ms|bytes)$", re.IGNORECASE)
_LOGIN_IN_ADDRESS = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]+@", re.IGNORECASE)
_BEARER = re.compile(r"\b(?P<scheme>bearer|tma|basic)\s+[A-Za-z0-9._~+/=%&-]{8,}", re.IGNORECASE)
_DEPTH_MAX = 6
_TEXT_CHARS_MAX = 20_000

_correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)

Event = MutableMapping[str, Any]


def configure(settings: Settings, process: str, *, stream: TextIO | None = None) -> None:
    """Send every log line of this process, the libraries' included, through one formatter.

    Calling it again replaces what was configured before.
    """
    stream = stream or sys.stderr
    pretty = settings.log_format == "pretty" or (settings.log_format == "auto" and stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Add(process=process, slot=settings.slot),
        _add_correlation_id,
        structlog.processors.StackInfoRenderer(),
        # Tracebacks as text: the structured ones carry the values of local variables.
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # Loggers made when a module was imported, before this call, must follow it.
        cache_logger_on_first_use=False,
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty(),
            # Not the values of variables: they hold names, prompts and keys.
            exception_formatter=structlog.dev.plain_traceback,
        )
        if pretty
        else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    _take_over(handler, settings.log_level.upper())


def current_correlation_id() -> str | None:
    """The id that ties everything that one request caused together, or None outside of any."""
    return _correlation_id.get()


@contextmanager
def correlated(correlation_id: str | None) -> Iterator[None]:
    """Put this correlation id on every line, and into every event, made inside."""
    token = _correlation_id.set(correlation_id)
    try:
        yield
    finally:
        _correlation_id.reset(token)


def redact(_logger: Any, _method: str, event: Event) -> Event:
    """Hide values by their name, and logins inside of texts, at any depth."""
    for name, value in list(event.items()):
        event[name] = _hidden(name, value, 0)
    return event


def _hidden(name: str, value: Any, depth: int) -> Any:
    secret = _SECRET_NAME.search(name) and not _HARMLESS_NAME.search(name)
    if depth > _DEPTH_MAX or (secret and value is not None):
        return HIDDEN
    if isinstance(value, BaseException):
        value = f"{type(value).__name__}: {value}"
    if isinstance(value, str):
        text = _LOGIN_IN_ADDRESS.sub(r"\g<scheme>" + HIDDEN + "@", value[:_TEXT_CHARS_MAX])
        return _BEARER.sub(r"\g<scheme> " + HIDDEN, text)
    if isinstance(value, dict):
        return {key: _hidden(str(key), one, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_hidden(name, one, depth + 1) for one in value]
    return value


def _add_correlation_id(_logger: Any, _method: str, event: Event) -> Event:
    correlation_id = _correlation_id.get()
    if correlation_id is not None:
        event.setdefault("correlation_id", correlation_id)
    return event


class _Add:
    """A processor that puts the same fields on every line."""

    def __init__(self, **fields: str) -> None:
        self._fields = fields

    def __call__(self, _logger: Any, _method: str, event: Event) -> Event:
        for name, value in self._fields.items():
            event.setdefault(name, value)
        return event


def _to_json(event: Any, **_: Any) -> str:
    # Sorted at the top only: msgspec's own order refuses a nested dictionary with numbers as keys.
    return msgspec.json.encode(dict(sorted(event.items())), enc_hook=repr).decode("utf-8")


def _take_over(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Libraries that were imported earlier may have handlers of their own and keep to themselves.
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name:
            logger.handlers.clear()
            logger.propagate = True
    logging.captureWarnings(True)
    # At these levels they say what our own lines say better.
    for name in ("aiokafka", "botocore", "aiobotocore", "urllib3", "httpx", "httpcore", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
