"""Which model is asked for, and with which inputs."""

from __future__ import annotations

import msgspec
import pytest

from processors.providers.replicate import ReplicateProvider
from runtime.errors import SettingsError
from tests.fakes.replicate import Replicate
from tests.fakes.replicate_rules import MODEL, VERSION
from tests.unit.providers.calls import SETTINGS, Silence, Submitting, asking


async def test_a_version_is_asked_for_by_its_own_address(api: Replicate, news: Silence) -> None:
    """`owner/name:version` goes to the address that takes versions."""
    settings = msgspec.structs.replace(
        SETTINGS, replicate_base_url=api.base_url, replicate_model=f"{MODEL}:{VERSION}"
    )
    one = ReplicateProvider(settings, news)
    assert len(await one.generate(asking("a boat"), Submitting())) == 2
    await one.close()


async def test_a_model_may_have_further_inputs(api: Replicate, news: Silence) -> None:
    """A LoRA's weights go along with every call, and an input that is not known is left out."""
    settings = msgspec.structs.replace(
        SETTINGS,
        replicate_base_url=api.base_url,
        replicate_inputs='{"lora_weights": "somebody/something", "go_fast": null}',
    )
    one = ReplicateProvider(settings, news)
    await one.generate(asking("a boat"), Submitting())
    await one.close()
    (made,) = api.made
    assert made.inputs["lora_weights"] == "somebody/something"
    assert "go_fast" not in made.inputs


@pytest.mark.parametrize("text", ["", "[]", "lora", '{"prompt": "x"}', '{"seed": null}'])
def test_further_inputs_that_cannot_be_used_stop_the_start(news: Silence, text: str) -> None:
    """The message names the variable."""
    settings = msgspec.structs.replace(SETTINGS, replicate_inputs=text)
    with pytest.raises(SettingsError, match="REPLICATE_INPUTS"):
        ReplicateProvider(settings, news)
