"""What every provider does alike: what it repeats, what it gives up, and what it says was paid."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from processors.providers import (
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    ProviderUnusable,
    TooLate,
    json_api,
    polling,
)
from tests.unit.providers.calls import Submitting, asking
from tests.unit.providers.contract import KINDS, NOWHERE, Stage

LOST = [(name, one) for name, kind in KINDS.items() for one in kind.lost]
ENDS = [(name, *one) for name, kind in KINDS.items() for one in kind.ends]
MISCONFIGURED = [(name, one) for name, kind in KINDS.items() for one in kind.misconfigured]
WITH_IDS = [name for name, kind in KINDS.items() if kind.has_ids]
WITH_ADDRESSES = [name for name, kind in KINDS.items() if kind.has_addresses]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stages() -> AsyncIterator[dict[str, Stage]]:
    """All of them, each with a stand-in of its own."""
    found = {}
    for name, kind in KINDS.items():
        fake = kind.fake()
        await fake.start()
        found[name] = Stage(kind, fake)
    yield found
    for stage in found.values():
        await stage.provider.close()
        await stage.fake.stop()


@pytest.fixture(params=KINDS)
def stage(stages: dict[str, Stage], request: pytest.FixtureRequest) -> Stage:
    """One of them, as if nothing had been asked yet."""
    found = stages[request.param]
    found.fake.forget()
    return found


def some(names: list[str]) -> pytest.MarkDecorator:
    """Only these of them."""
    return pytest.mark.parametrize("stage", names, indirect=True)


async def ended(stage: Stage, words: str, **changes: object) -> ProviderError:
    """How a call for one picture ends that gives none; with other settings, if there are any."""
    call = Submitting()
    one = stage.opened(**changes) if changes else stage.provider
    try:
        with pytest.raises(ProviderError) as raised:
            await one.generate(asking(words, indices=(0,)), call)
    finally:
        if changes:
            await one.close()
    assert "private" not in str(raised.value), "an error may repeat no prompt: it is logged"
    return raised.value


async def test_pictures(stage: Stage) -> None:
    """As many as asked for, as bytes; what has an id is known by it before it is waited for."""
    call = Submitting()
    pictures = await stage.provider.generate(asking("a boat"), call)
    assert [one[:4] for one in pictures] == [b"\x89PNG"] * 2
    assert call.references == ([one.id for one in stage.fake.made] if stage.kind.has_ids else [])


@pytest.mark.parametrize("directive", ["[429]", "[500]", "[503]"])
async def test_no_is_tried_again(stage: Stage, directive: str) -> None:
    """429 and 5xx cost nothing: the same call is made again, and only that one is charged."""
    await stage.provider.generate(asking(f"a boat {directive}", indices=(0,)), Submitting())
    assert stage.calls == (1, 1)


async def test_three_refusals(stage: Stage) -> None:
    """Three answers that say no are enough; nothing was charged."""
    error = await ended(stage, "a boat [500!]")
    assert isinstance(error, ProviderUnavailable)
    assert error.expected
    assert stage.calls == (3, 0)


async def test_retry_after(stage: Stage) -> None:
    """`Retry-After` is the least pause before the next try, also beyond the usual backoff."""
    call = Submitting()
    await stage.provider.generate(asking("a boat [429:0.1]", indices=(0,)), call)
    assert 0.1 <= call.asked[1] <= 0.15


async def test_beyond_the_deadline(stage: Stage) -> None:
    """A `Retry-After` that the deadline does not allow ends the call at once."""
    assert isinstance(await ended(stage, "a boat [429:3600]"), ProviderUnavailable)
    assert stage.calls == (1, 0)


async def test_too_late(stage: Stage) -> None:
    """A call that may not start is not sent."""
    with pytest.raises(TooLate):
        await stage.provider.generate(asking("a boat"), Submitting(may_wait_seconds=-1.0))
    assert stage.calls == (0, 0)


@pytest.mark.parametrize(("stage", "directive"), LOST, indirect=["stage"])
async def test_lost_answer(stage: Stage, directive: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may have been paid and is not known by an id is uncertain, and is not sent again."""
    monkeypatch.setattr(json_api, "REQUEST_SECONDS_MAX", 0.3)
    assert type(await ended(stage, f"a very private boat {directive}")) is ProviderUncertain
    assert stage.calls == (0, 1)


async def test_slow(stage: Stage) -> None:
    """After the time that it may take it is given up, and may have been paid."""
    directive, changes = stage.kind.slow
    assert type(await ended(stage, f"a boat {directive}", **changes)) is ProviderUncertain
    assert stage.calls == (0, 1)
    assert stage.kind.is_given_up(stage.fake.made[0])


async def test_not_there(stage: Stage) -> None:
    """A refused connection is tried again; in the end it is unavailable, and nothing was paid."""
    one, call = stage.opened(**{stage.kind.address: NOWHERE}), Submitting()
    with pytest.raises(ProviderUnavailable):
        await one.generate(asking("a boat", indices=(0,)), call)
    await one.close()
    assert len(call.asked) == 3


async def test_refused(stage: Stage) -> None:
    """Words against its rules are refused once, with a sentence for the person."""
    directive, charged = stage.kind.refused
    error = await ended(stage, f"a very private boat {directive}")
    assert type(error) is ProviderRefused
    assert error.detail.endswith(".")
    assert len(stage.fake.made) == charged


@pytest.mark.parametrize(("stage", "directive", "kind", "charged"), ENDS, indirect=["stage"])
async def test_ends(stage: Stage, directive: str, kind: type, charged: int) -> None:
    """Each other end without a picture says what may be done next."""
    assert type(await ended(stage, f"a very private boat {directive}")) is kind
    assert len(stage.fake.made) == charged


async def test_no_picture(stage: Stage) -> None:
    """What says that it is a picture and is none is not delivered, and somebody is to know."""
    error = await ended(stage, f"a boat {stage.kind.no_picture}")
    assert type(error) is ProviderUnusable
    assert not error.expected


async def test_fewer(stage: Stage) -> None:
    """What the model delivers is handed on, also when it is less than was asked for."""
    request = asking(f"a boat {stage.kind.fewer}")
    assert len(await stage.provider.generate(request, Submitting())) == 1


@pytest.mark.parametrize(("stage", "changes"), MISCONFIGURED, indirect=["stage"])
async def test_misconfigured(stage: Stage, changes: dict[str, object]) -> None:
    """A refused key or model is unavailable to the person and unexpected to us."""
    error = await ended(stage, "a boat", **changes)
    assert type(error) is ProviderMisconfigured
    assert not error.expected


@some([name for name in KINDS if name not in {"bedrock-sdxl", "comfyui"}])
async def test_wrong_input(stage: Stage) -> None:
    """The API's no to an input is final and free."""
    with pytest.raises(ProviderError) as raised:
        await stage.provider.generate(asking("a boat", width=77), Submitting())
    assert type(raised.value) is ProviderError
    assert stage.fake.made == []


@some(WITH_IDS)
@pytest.mark.parametrize("directive", ["[troubled:3]", "[garbled:3]"])
async def test_trouble(stage: Stage, directive: str) -> None:
    """What has an id is asked for again, whatever is answered meanwhile; it is paid once."""
    pictures = await stage.provider.generate(asking(f"a boat {directive}"), Submitting())
    assert len(pictures) == 2
    (made,) = stage.fake.made
    assert made.asked == 4


@some(WITH_IDS)
async def test_resumed(stage: Stage) -> None:
    """Pictures that are gone were paid. Resumed by its id, a call is not made again."""
    call = Submitting()
    gone = "[gone]" if stage.kind.fake is KINDS["comfyui"].fake else "[expired]"
    with pytest.raises(ProviderUncertain):
        await stage.provider.generate(asking(f"a boat {gone}"), call)
    stage.fake.made[0].directive = ""
    again = await stage.provider.resume(asking("a boat"), call, call.references[0])
    assert (len(again), stage.calls) == (2, (0, 1))


@some(WITH_IDS)
@pytest.mark.parametrize("reference", ["0000000000000", "../../account", "../queue", ""])
async def test_unknown_reference(stage: Stage, reference: str) -> None:
    """A reference that is unknown, or none at all, is not asked for as if it were."""
    with pytest.raises(ProviderUncertain):
        await stage.provider.resume(asking("a boat"), Submitting(), reference)


@some(["bedrock-titan", "openai"])
async def test_not_resumed(stage: Stage) -> None:
    """Where a call has no id, an earlier worker's cannot be asked for."""
    with pytest.raises(ProviderUncertain):
        await stage.provider.resume(asking("a boat"), Submitting(), "x")


@some(WITH_ADDRESSES)
async def test_news(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told that there is news, it asks then, long before it would have looked by itself."""
    monkeypatch.setattr(polling, "POLL_SECONDS_FIRST", 30.0)
    monkeypatch.setattr(stage.provider, "_wait_seconds", 60.0, raising=False)
    stage.silence.told.set()
    try:
        assert len(await stage.provider.generate(asking("a boat"), Submitting())) == 2
    finally:
        stage.silence.told.clear()


@some(WITH_ADDRESSES)
@pytest.mark.parametrize("directive", ["[inside]", "[redirected]", "[named]"])
async def test_36_inside(stage: Stage, directive: str) -> None:
    """Threat 36: a result that lies inside, or redirects there, is refused, and nothing is sent."""
    error = await ended(stage, f"a boat {directive}")
    assert type(error) is ProviderUnusable
    assert not error.expected
    assert (stage.fake.hits_inside, stage.calls) == (0, (0, 1))


@some(WITH_ADDRESSES)
async def test_36_large(stage: Stage) -> None:
    """Threat 36: more bytes than agreed are not taken."""
    assert type(await ended(stage, "a boat [large]")) is ProviderUnusable
