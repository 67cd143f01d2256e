"""Log lines: one form for all, with a correlation id, without secrets."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import uuid
import warnings
from collections.abc import Callable, Iterator

import pytest
import structlog
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from runtime.settings import Settings
from runtime.telemetry.logs import configure, correlated, current_correlation_id

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A configured process's log; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure(Settings(log_format="json", log_level="info"), "gateway", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(text: str) -> None:
    raise ValueError(text)


def test_ours(lines: Lines) -> None:
    """A line has its event, its values, when, where and from which process."""
    structlog.get_logger("gateway.app").info("request done", status=202, path="/x")
    (line,) = lines()
    assert line["event"] == "request done"
    assert (line["status"], line["path"]) == (202, "/x")
    assert (line["process"], line["slot"]) == ("gateway", "1")
    assert (line["level"], line["logger"]) == ("info", "gateway.app")
    assert str(line["timestamp"]).endswith("Z")


def test_libraries(lines: Lines) -> None:
    """A library's line goes through the same formatter, arguments filled in, extras kept."""
    logging.getLogger("aiokafka.consumer").warning("lost %s", "node 1", extra={"node": 1})
    (line,) = lines()
    assert line["event"] == "lost node 1"
    assert (line["process"], line["node"], line["level"]) == ("gateway", 1, "warning")


def test_logger_made_before_configuring(stream: io.StringIO) -> None:
    """A logger that a module made and used before the start follows what was configured."""
    logger = structlog.get_logger("early")
    logger.info("first")
    later = io.StringIO()
    configure(Settings(log_format="json"), "worker", stream=later)
    logger.info("second")
    assert "first" in stream.getvalue()
    assert "second" not in stream.getvalue()
    assert json.loads(later.getvalue())["process"] == "worker"


def test_library_with_a_handler_of_its_own(stream: io.StringIO, lines: Lines) -> None:
    """A library that brought a handler of its own says everything once, through ours."""
    own = io.StringIO()
    library = logging.getLogger(f"library.{uuid.uuid4()}")
    library.addHandler(logging.StreamHandler(own))
    library.propagate = False
    configure(Settings(log_format="json"), "gateway", stream=stream)
    library.warning("hello")
    assert own.getvalue() == ""
    assert [line["event"] for line in lines()] == ["hello"]


def test_level(lines: Lines) -> None:
    """What is less severe than the level is not printed, ours or not."""
    structlog.get_logger("a").debug("quiet")
    logging.getLogger("b").debug("quiet")
    structlog.get_logger("a").error("loud")
    assert [line["event"] for line in lines()] == ["loud"]


async def test_correlation_follows_the_task(lines: Lines) -> None:
    """Each task's lines carry its own correlation id, library's included; outside there is none."""

    async def work(name: str) -> None:
        with correlated(name):
            await asyncio.sleep(0)
            logging.getLogger("library").warning(name)
            assert current_correlation_id() == name

    await asyncio.gather(*(work(f"id-{n}") for n in range(5)))
    structlog.get_logger("after").info("after")
    *inside, outside = lines()
    assert all(line["correlation_id"] == line["event"] for line in inside)
    assert "correlation_id" not in outside
    assert current_correlation_id() is None


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "jwt_secret",
        "telegram_bot_token",
        "Authorization",
        "api_key",
        "master_key",
        "aws_secret_access_key",
        "database_url",
        "init_data",
        "set_cookie",
        "wrapped_key",
        "account_key",
        "credentials",
        "prompt",
        "negative_prompt",
        "access_token",
    ],
)
def test_hidden_by_name(stream: io.StringIO, name: str) -> None:
    """A value whose name says that it is secret or personal is not printed, at any depth."""
    value = "s3cr3t-value"
    logger = structlog.get_logger("a")
    logger.info("flat", **{name: value})
    logger.info("deep", settings={"inner": [{name: value}]})
    logger.info("bytes", **{name: value.encode()})
    logging.getLogger("b").warning("extra", extra={name: value})
    assert value not in stream.getvalue()
    assert stream.getvalue().count("(hidden)") == 4


def test_harmless_names_stay(lines: Lines) -> None:
    """What only sounds secret is printed: ids, counts, object keys and idempotency keys."""
    structlog.get_logger("a").info("x", key="generations/1", master_key_id="ab", token_count=3)
    assert (lines()[0]["key"], lines()[0]["master_key_id"], lines()[0]["token_count"]) == (
        "generations/1",
        "ab",
        3,
    )


def test_logins_in_texts(stream: io.StringIO) -> None:
    """A login in an address or a header is not printed, wherever the text stands."""
    address = "postgresql://owner:s3cr3t-value@db:5432/pixelpop"
    logger = structlog.get_logger("a")
    logger.info("cannot reach " + address)  # noqa: G003 - a text that has it already
    logger.info("x", where=[address], error=ValueError(address))
    logger.info("sent Authorization: Bearer s3cr3t-value-s3cr3t")
    logging.getLogger("b").warning("at %s", address)
    try:
        fail(address)
    except ValueError:
        logger.exception("failed")
    assert "s3cr3t" not in stream.getvalue()
    assert "db:5432/pixelpop" in stream.getvalue()


def test_traceback_without_locals(stream: io.StringIO) -> None:
    """A traceback says where it failed, and not what the variables held."""
    harmless_looking = "s3cr3t-value"
    try:
        _ = {}["missing"], harmless_looking
    except KeyError:
        structlog.get_logger("a").exception("failed")
    assert "KeyError" in stream.getvalue()
    assert "test_traceback_without_locals" in stream.getvalue()
    assert "s3cr3t" not in stream.getvalue()


@pytest.mark.parametrize("log_format", ["json", "pretty"])
def test_secrets_stay_hidden_in_both_forms(log_format: str, stream: io.StringIO) -> None:
    """The form for people hides what the form for machines hides."""
    out = io.StringIO()
    configure(Settings(log_format=log_format), "gateway", stream=out)  # type: ignore[arg-type]  # one of three
    try:
        fail("postgresql://me:s3cr3t@db/x")
    except ValueError:
        structlog.get_logger("a").exception("failed", password="s3cr3t", seen="this")
    assert "failed" in out.getvalue()
    assert "this" in out.getvalue()
    assert "s3cr3t" not in out.getvalue()
    assert "\x1b[" not in out.getvalue()  # no colours where nobody sees them


def test_warnings_are_lines(lines: Lines) -> None:
    """A Python warning is a line like any other."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
    assert "old thing" in str(lines()[0]["event"])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.uuids(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=anything)
def test_any_value_is_one_line(stream: io.StringIO, value: object) -> None:
    """Whatever the value, a log call prints exactly one line of JSON and never fails."""
    stream.seek(0)
    stream.truncate()
    structlog.get_logger("a").info("x", value=value, thing=object())
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue())["event"] == "x"


def test_numbers_as_keys(lines: Lines) -> None:
    """A dictionary with numbers as keys is a line like any other."""
    structlog.get_logger("projections").info("claimed", epochs={0: 1, 1: 1})
    assert lines()[-1]["epochs"] == {"0": 1, "1": 1}
