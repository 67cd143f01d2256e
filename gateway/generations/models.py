"""Which models are on offer: those whose provider is configured."""

from __future__ import annotations

from typing import NamedTuple

from commands.catalogue import MODELS, Model
from runtime.settings import Settings


class Offer(NamedTuple):
    """What this installation can make."""

    providers: frozenset[str]
    default: str
    """The model that is taken when a request names none."""

    @property
    def models(self) -> tuple[Model, ...]:
        """The models that can be asked for."""
        return tuple(model for model in MODELS if model.provider in self.providers)


def offer_of(settings: Settings) -> Offer:
    """`local` is always there; `openai` with its key, and then it is the default."""
    if settings.openai_api_key:
        return Offer(frozenset({"local", "openai"}), "gpt-image")
    return Offer(frozenset({"local"}), "preview")
