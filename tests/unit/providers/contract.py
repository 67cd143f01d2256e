"""Each provider before its stand-in, and what the stand-in's directives are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from processors.providers import (
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
)
from processors.providers.bedrock import BedrockProvider
from processors.providers.comfyui import ComfyUiProvider
from processors.providers.fal import FalProvider
from processors.providers.openai import OpenAIProvider
from processors.providers.replicate import ReplicateProvider
from runtime.settings import Settings
from tests.fakes import comfyui, fal, replicate
from tests.fakes.bedrock import Bedrock
from tests.fakes.bedrock_rules import SDXL, TITAN
from tests.fakes.openai_images import OpenAIImages
from tests.unit.providers.calls import SETTINGS, Silence

NOWHERE: Final = "http://127.0.0.1:9"
_LOST: Final = ("[drop!]", "[504!]", "[malformed!]")
_BEDROCK: Final = {
    "bedrock_region": "us-west-2",
    "bedrock_access_key_id": "AKIATEST",
    "bedrock_secret_access_key": "secret",
    "bedrock_timeout_seconds": 5.0,
}


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One provider, and how its stand-in is told what to do."""

    fake: Callable[[], Any]
    opened: Callable[[Settings, Silence], Any]
    settings: dict[str, Any]
    address: str
    """The setting that says where it is."""
    url: str = "base_url"
    """The stand-in's attribute that says so."""
    lost: tuple[str, ...] = _LOST
    """A request is taken and its answer does not come."""
    slow: tuple[str, dict[str, Any]] = ("[hang:30]", {})
    """It takes longer than these settings allow."""
    refused: tuple[str, int] = ("[refused]", 0)
    """The words are against its rules; and for how many calls that is charged."""
    no_picture: str = "[html!]"
    """What comes is none."""
    fewer: str = "[fewer]"
    ends: tuple[tuple[str, type[ProviderError], int], ...] = ()
    """Other ends without a picture: the error, and how many calls are charged."""
    is_given_up: Callable[[Any], bool] = bool
    """Whether a call that took too long was ended there too, where that can be done."""
    misconfigured: tuple[dict[str, Any], ...]
    """Settings by which it does nothing for us: a wrong key, a wrong model."""
    has_ids: bool = False
    """Whether a call has an id by which it is asked for."""
    has_addresses: bool = False
    """Whether pictures are fetched from an address of its."""


def _of_bedrock(name: str, model: str) -> Kind:
    return Kind(
        fake=Bedrock,
        opened=lambda settings, _: BedrockProvider(name, model, settings),
        settings=_BEDROCK,
        address="bedrock_endpoint_url",
        url="url",
        lost=(*_LOST, "[half!]"),
        slow=("[hang:30]", {"bedrock_timeout_seconds": 0.2}),
        refused=("[filtered]", 0),
        fewer="[onewithheld]",
        ends=(
            ("[withheld!]", ProviderRefused, 1),
            ("[424]", ProviderUnavailable, 0),
            ("[quota]", ProviderUnavailable, 0),
            ("[denied]", ProviderMisconfigured, 0),
        ),
        misconfigured=({"bedrock_access_key_id": "AKIAOTHER"},),
    )


KINDS: Final = {
    "bedrock-titan": _of_bedrock("bedrock-titan", TITAN),
    "bedrock-sdxl": _of_bedrock("bedrock-sdxl", SDXL),
    "comfyui": Kind(
        fake=comfyui.ComfyUi,
        opened=lambda settings, _: ComfyUiProvider(settings),
        settings={"comfyui_token": comfyui.TOKEN, "comfyui_timeout_seconds": 2.0},
        address="comfyui_url",
        url="url",
        lost=("[504!]",),  # the others are found again: the id is ours
        slow=("[waits]", {"comfyui_timeout_seconds": 0.2}),
        refused=("[blank]", 1),
        no_picture="[html]",
        ends=(("[failed]", ProviderUnavailable, 1), ("[restarted]", ProviderUncertain, 1)),
        is_given_up=lambda ran: ran.state == "gone",
        misconfigured=({"comfyui_token": "x"}, {"comfyui_checkpoint": "y"}),
        has_ids=True,
    ),
    "fal": Kind(
        fake=fal.Fal,
        opened=FalProvider,
        settings={
            "fal_key": fal.KEY,
            "fal_timeout_seconds": 2.0,
            "fal_edit_timeout_seconds": 2.0,
        },
        address="fal_base_url",
        lost=(*_LOST, "[hang:30]", "[badid]"),
        slow=("[never]", {"fal_timeout_seconds": 0.2}),
        refused=("[policy]", 0),
        no_picture="[html]",
        ends=(
            ("[late]", ProviderRefused, 1),
            ("[nsfw]", ProviderRefused, 1),
            ("[failed]", ProviderUnavailable, 1),
            ("[nobegin]", ProviderUnavailable, 1),
            ("[forgotten]", ProviderUncertain, 1),
        ),
        is_given_up=lambda made: made.cancelled,
        misconfigured=({"fal_key": "other"}, {"fal_model": "fal-ai/other"}),
        has_ids=True,
        has_addresses=True,
    ),
    "openai": Kind(
        fake=OpenAIImages,
        opened=lambda settings, _: OpenAIProvider(settings),
        settings={"openai_api_key": "sk-test", "provider_timeout_seconds": 0.5},
        address="openai_base_url",
        lost=(*_LOST, "[hang:30]"),
        refused=("[moderation]", 0),
        no_picture="[broken!]",
        fewer="[fewer:1]",
        misconfigured=({"openai_api_key": "a b"},),
    ),
    "replicate": Kind(
        fake=replicate.Replicate,
        opened=ReplicateProvider,
        settings={},
        address="replicate_base_url",
        lost=(*_LOST, "[hang:30]"),
        slow=("[never]", {}),
        no_picture="[html]",
        ends=(
            ("[nsfw]", ProviderRefused, 1),
            ("[failed]", ProviderError, 1),
            ("[aborted]", ProviderUnavailable, 1),
            ("[canceled]", ProviderUncertain, 1),
            ("[forgotten]", ProviderUncertain, 1),
        ),
        is_given_up=lambda made: (made.status, made.cancel_after) == ("canceled", "5s"),
        misconfigured=({"replicate_api_token": "r8_other"},),
        has_ids=True,
        has_addresses=True,
    ),
}


class Stage:
    """One provider and its stand-in."""

    def __init__(self, kind: Kind, fake: Any) -> None:
        self.kind = kind
        self.fake = fake
        self.silence = Silence()
        self.provider = self.opened()

    def opened(self, **changes: Any) -> Any:
        """Another one with other settings; close it."""
        address = {self.kind.address: getattr(self.fake, self.kind.url)}
        values = self.kind.settings | address | changes
        return self.kind.opened(msgspec.structs.replace(SETTINGS, **values), self.silence)

    @property
    def calls(self) -> tuple[int, int]:
        """How many were turned down, and how many were charged."""
        return len(self.fake.refused), len(self.fake.made)
