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
    """`local` is always there; the others with their key, and the best of them is the default."""
    keys = {"openai": settings.openai_api_key, "replicate": settings.replicate_api_token}
    providers = frozenset({"local", *(name for name, key in keys.items() if key)})
    defaults = {"openai": "gpt-image", "replicate": "flux", "local": "preview"}
    default = next(model for name, model in defaults.items() if name in providers)
    return Offer(providers, default)
