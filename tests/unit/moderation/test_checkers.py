"""Claims about those who look at texts and pictures, against strict stand-ins over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
import pytest_asyncio
from msgspec.structs import replace
from PIL import Image

from events.moderation import PASSED, REFUSED, UNAVAILABLE
from processors.moderation import (
    ModerationUnavailable,
    Moderator,
    Prohibited,
    moderator,
    open_moderation,
)
from processors.moderation.base import ProhibitedPhoto
from processors.moderation.moderator import Verdict
from runtime.errors import SettingsError
from runtime.settings import Settings
from tests.fakes.checkers import Checkers

RED, GREEN, BLUE = "#f02020", "#20f020", "#2020f0"


def picture(colour: str, side: int = 64, kind: str = "PNG") -> bytes:
    """A picture of one colour."""
    out = BytesIO()
    Image.new("RGB", (side, side // 2), colour).save(out, kind)
    return out.getvalue()


class Told:
    """Remembers verdicts."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []

    async def __call__(self, verdicts: Sequence[Verdict]) -> None:
        self.verdicts += verdicts


@pytest_asyncio.fixture(loop_scope="session")
async def api(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Checkers]:
    monkeypatch.setattr(moderator, "BACKOFF_SECONDS_FIRST", 0.001)
    fake = Checkers()
    await fake.start()
    yield fake
    await fake.stop()


def settings(api: Checkers, words: str = "openai", pictures: str = "openai") -> Settings:
    return Settings(
        openai_api_key="sk-test",
        openai_base_url=f"{api.base_url}/v1",
        moderation_words=words,  # type: ignore[arg-type]  # of the parameters below
        moderation_pictures=pictures,  # type: ignore[arg-type]  # as above
        moderation_aws_endpoint_url=api.base_url,
        moderation_aws_access_key_id="key",
        moderation_aws_secret_access_key="secret",
        moderation_timeout_seconds=2.0,
    )


@pytest_asyncio.fixture(loop_scope="session")
async def threads() -> AsyncIterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.mark.parametrize("who", ["openai", "bedrock"])
async def test_a_prompt_is_read(api: Checkers, threads: ThreadPoolExecutor, who: str) -> None:
    """Both texts are read at once; what is against the rules is refused, with rule and version."""
    told, looking = Told(), open_moderation(settings(api, words=who), threads)
    await looking.words(["a boat", "rain"], told)
    with pytest.raises(Prohibited):
        await looking.words(["a boat [sexual]", None], told)
    await looking.words([None], told)
    await looking.close()
    assert "a boat\nrain" in api.texts[0]
    assert [(one.verdict, one.reason) for one in told.verdicts] == [
        (PASSED, ""),
        (REFUSED, "sexual"),
    ]
    assert {(one.provider, one.stage) for one in told.verdicts} == {(who, "prompt")}
    assert all(one.version for one in told.verdicts)


@pytest.mark.parametrize("who", ["openai", "rekognition", "bedrock"])
async def test_pictures_are_looked_at(api: Checkers, threads: ThreadPoolExecutor, who: str) -> None:
    """Each gets its verdict, large ones too, whatever their format; photos stop at the first no."""
    told, looking = Told(), open_moderation(settings(api, pictures=who), threads)
    said = await looking.pictures(
        {0: picture(BLUE, 3000), 2: picture(RED), 3: picture(GREEN, kind="WEBP")}, told
    )
    with pytest.raises(ProhibitedPhoto):
        await looking.photos([picture(BLUE), picture(RED)], told)
    await looking.close()
    assert {index: one.verdict for index, one in said.items()} == {
        0: PASSED,
        2: REFUSED,
        3: REFUSED,
    }
    assert (said[2].reason, said[3].reason) == ("sexual", "violence")
    assert [one.stage for one in told.verdicts] == ["picture"] * 3 + ["photo"] * 2


async def test_tolerated_categories_are_no_reason(
    api: Checkers, threads: ThreadPoolExecutor
) -> None:
    """A painted battle is flagged as violence, and passes; the gravest category is named."""
    told, looking = Told(), open_moderation(settings(api), threads)
    await looking.words(["a battle [violence]"], told)
    with pytest.raises(Prohibited):
        await looking.words(["[sexual] [violence] [sexual/minors]"], told)
    await looking.close()
    assert [one.rule_id for one in told.verdicts] == [None, "sexual/minors"]


@pytest.mark.parametrize(
    ("who", "trouble"),
    [
        *(("openai", one) for one in ("429:0.001", "500", "drop", "broken")),
        *(("bedrock", one) for one in ("429", "broken")),
    ],
)
async def test_a_question_without_an_answer_is_asked_again(
    api: Checkers, threads: ThreadPoolExecutor, who: str, trouble: str
) -> None:
    """A few times, and no more than that."""
    told, looking = Told(), open_moderation(settings(api, words=who), threads)
    api.trouble = [trouble] * 2
    await looking.words(["a boat"], told)
    api.trouble = [trouble] * 3
    with pytest.raises(ModerationUnavailable):
        await looking.words(["a boat"], told)
    assert api.trouble == []
    await looking.close()
    assert [one.verdict for one in told.verdicts] == [PASSED, UNAVAILABLE]


@pytest.mark.parametrize("who", ["openai", "rekognition"])
async def test_a_refusal_of_the_question_is_not_repeated(
    api: Checkers, threads: ThreadPoolExecutor, who: str
) -> None:
    """A key that is wrong stays wrong: it is asked once."""
    told, looking = Told(), open_moderation(settings(api, who, who), threads)
    api.trouble = ["400", "400"]
    said = await looking.pictures({0: picture(BLUE)}, told)
    await looking.close()
    assert said[0].verdict == UNAVAILABLE
    assert len(api.trouble) == 1


async def test_what_nobody_looked_at_goes_as_the_settings_say(
    api: Checkers, threads: ThreadPoolExecutor
) -> None:
    """`refuse` shows and makes nothing unseen; `allow` does, and the verdict says so."""
    for when, may in (("refuse", False), ("allow", True)):
        one = replace(settings(api), moderation_when_unavailable=when)
        told, looking = Told(), open_moderation(one, threads)
        api.trouble = ["400", "400"]
        said = await looking.pictures({0: picture(BLUE)}, told)
        assert looking.may_show(said[0]) is may
        assert looking.stored_are_checked is not may
        if may:
            await looking.words(["a boat"], told)
        else:
            with pytest.raises(ModerationUnavailable):
                await looking.words(["a boat"], told)
        await looking.close()
        assert [one.verdict for one in told.verdicts] == [UNAVAILABLE] * 2


async def test_a_picture_that_cannot_be_shown_to_anybody_is_unseen(
    api: Checkers, threads: ThreadPoolExecutor
) -> None:
    """Bytes that are no picture are not passed."""
    told, looking = Told(), open_moderation(settings(api), threads)
    said = await looking.pictures({0: b"none"}, told)
    await looking.close()
    assert said[0].verdict == UNAVAILABLE


async def test_nobody_looks_unless_somebody_is_named(threads: ThreadPoolExecutor) -> None:
    """`auto` is OpenAI itself and no other server; a name without a key is told."""
    told = Told()
    for one in (
        Settings(),
        Settings(openai_api_key="sk", openai_base_url="http://127.0.0.1:1/v1"),
    ):
        looking = open_moderation(one, threads)
        await looking.words(["[sexual]"], told)
        assert await looking.pictures({0: picture(RED)}, told) == {}
        assert not looking.sees_pictures
    own = open_moderation(Settings(openai_api_key="sk"), threads)
    assert own.sees_pictures
    await own.close()
    assert told.verdicts == []
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        open_moderation(Settings(moderation_words="openai"), threads)


def test_transparent_pictures_are_shown_on_white() -> None:
    """What a viewer sees is what is checked."""
    out = BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(out, "PNG")
    shown = Image.open(BytesIO(moderator.shown_to_checkers(out.getvalue())))
    assert shown.getpixel((4, 4)) == (255, 255, 255)


def test_nobody_is_a_moderator() -> None:
    """The default of a worker that nobody configured."""
    assert isinstance(moderator.NOBODY, Moderator)
