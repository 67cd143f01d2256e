"""Who makes pictures, at which cost, and how many at once: data.

Costs are whole millionths of a US dollar for one picture; what is really billed is on the
provider's own invoice. The prices of OpenAI were compared with what others publish of its list.
All other prices, and every rate and concurrency, are estimates that nobody has compared with the
page that is named beside them: check them there before a ceiling relies on them. Where a setting
puts another model behind a provider, these figures are of the one that is the default.
"""

from __future__ import annotations

from typing import Final

import msgspec


class Supply(msgspec.Struct, frozen=True, kw_only=True):
    """One provider of a model."""

    provider: str
    """Its key in `processors/providers`."""
    micros_per_image: dict[str, int] = {}
    """What a picture costs us by quality; a quality that is not there costs nothing."""
    micros_by_size: dict[str, dict[str, int]] = {}
    """The same for sizes that cost other than `micros_per_image`."""
    micros_by_kind: dict[str, dict[str, int]] = {}
    """The same for kinds that cost other than that, whatever the size."""
    kinds: frozenset[str] | None = None
    """Which kinds it makes, where that is less than the model sells; None: all."""
    concurrency: int = 100
    """Calls of one worker at once."""
    per_minute: int = 600
    """Calls that one worker begins in a minute."""

    @property
    def is_paid(self) -> bool:
        """Whether its pictures cost us anything, beside our own machines."""
        return bool(self.micros_per_image)

    def makes(self, kind: str, size: str, quality: str) -> bool:
        """Whether it makes such pictures; every one of ours makes all sizes and qualities."""
        known = not self.micros_per_image or quality in self.micros_per_image
        return known and size != "" and (self.kinds is None or kind in self.kinds)

    def cost_micros(self, kind: str, size: str, quality: str) -> int:
        """What one picture costs us."""
        by_quality = self.micros_by_kind.get(kind) or self.micros_by_size.get(size)
        return (by_quality or self.micros_per_image).get(quality, 0)


_LARGER: Final = ("1024x1536", "1536x1024")

SUPPLIES: Final = {
    one.provider: one
    for one in (
        # What it draws costs a moment of this machine, and `worker_image_threads` bounds it.
        Supply(provider="local", concurrency=1_000, per_minute=60_000),
        # openai.com, API pricing, GPT Image 1.5: medium and high, square and larger; the words of
        # the prompt cost some cents a thousand more. Tier 2 allows 20 images a minute, tier 5 250.
        Supply(
            provider="openai",
            micros_per_image={"standard": 34_000, "high": 133_000},
            micros_by_size={size: {"standard": 50_000, "high": 200_000} for size in _LARGER},
            per_minute=250,
        ),
        # replicate.com/black-forest-labs/flux-schnell: 3 dollars a thousand pictures; photos are
        # changed by flux-kontext-pro, at 40. Its API
        # takes 600 predictions a minute (replicate.com/docs, rate limits).
        Supply(
            provider="replicate",
            micros_per_image={"standard": 3_000, "high": 3_000},
            micros_by_kind={
                kind: {"standard": 40_000, "high": 40_000} for kind in ("edit", "variation")
            },
        ),
        # fal.ai/models/fal-ai/flux/dev: 0.025 dollars a megapixel, begun ones counted whole. It
        # queues what is more than an account's own concurrency (docs.fal.ai).
        Supply(
            provider="fal",
            micros_per_image={"standard": 25_000, "high": 25_000},
            micros_by_size={size: {"standard": 50_000, "high": 50_000} for size in _LARGER},
        ),
        # aws.amazon.com/bedrock/pricing, Titan Image Generator v2 at 1024: standard, premium. Its
        # quota of requests is 60 a minute (Bedrock quotas).
        Supply(
            provider="bedrock-titan",
            micros_per_image={"standard": 10_000, "high": 12_000},
            concurrency=20,
            per_minute=60,
        ),
        # The same pages, SDXL 1.0 at 1024: up to 50 steps, more steps; quota as above.
        Supply(
            provider="bedrock-sdxl",
            micros_per_image={"standard": 40_000, "high": 80_000},
            concurrency=20,
            per_minute=60,
        ),
        # One's own machines: they cost the same whether they draw or not, one picture at a time.
        Supply(provider="diffusers", concurrency=4),
        Supply(provider="comfyui", concurrency=4),
    )
}


def of(*providers: str) -> tuple[Supply, ...]:
    """These providers, in this order."""
    return tuple(SUPPLIES[name] for name in providers)
