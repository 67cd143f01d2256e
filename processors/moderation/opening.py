"""From settings to the checkers that they name."""

from __future__ import annotations

from concurrent.futures import Executor

from processors.moderation.base import Checker
from processors.moderation.moderator import Moderator
from runtime.errors import SettingsError
from runtime.settings import Settings

AUTO = "auto"
OFF = "off"
OPENAI = "openai"
DIFFUSERS = "diffusers"


def open_moderation(settings: Settings, executor: Executor) -> Moderator:
    """Whoever looks, by these settings; `close` it at the end.

    Raises:
        SettingsError: somebody is named who cannot be asked.
    """
    words = _chosen(settings, settings.moderation_words, OFF)
    here = OFF if settings.diffusers_safety_checker is None else DIFFUSERS
    pictures = _chosen(settings, settings.moderation_pictures, here)
    opened: dict[str, Checker] = {}
    for name in (words, pictures):
        if name != OFF and name not in opened:
            opened[name] = _open(settings, name)
    return Moderator(
        opened.get(words),
        opened.get(pictures),
        refuse_unseen=settings.moderation_when_unavailable == "refuse",
        attempts=settings.moderation_attempts,
        executor=executor,
    )


def _chosen(settings: Settings, named: str, otherwise: str) -> str:
    if named != AUTO:
        return named
    own = settings.openai_api_key is not None and settings.openai_base_url is None
    return OPENAI if own else otherwise


def _open(settings: Settings, name: str) -> Checker:
    # Each package takes long to load, which only those wait for who use it.
    if name == OPENAI:
        if settings.openai_api_key is None:
            raise SettingsError("PIXELPOP_MODERATION_… names openai, and OPENAI_API_KEY is unset.")
        from processors.moderation.openai import OpenAIChecker

        return OpenAIChecker(settings)
    if name == "rekognition":
        from processors.moderation.rekognition import RekognitionChecker

        return RekognitionChecker(settings)
    if name == DIFFUSERS:
        from processors.moderation.diffusers import DiffusersChecker

        return DiffusersChecker(settings)
    from processors.moderation.bedrock import BedrockChecker

    return BedrockChecker(settings)
