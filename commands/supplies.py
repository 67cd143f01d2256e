"""Who makes pictures, at which cost, and how many at once: data.

Costs are whole millionths of a US dollar for one picture; what is really billed is on the
provider's own invoice. Each figure names where it was read, and when. Where that is not the
provider's own page the figure is second-hand, and what was not found is said to be an estimate:
check them before a ceiling relies on them. Bounds are of an ordinary account; settings replace them
(`PIXELPOP_PROVIDER_CONCURRENCY`, `PIXELPOP_PROVIDER_PER_MINUTE`). Where a setting puts another
model behind a provider, these figures are of the one that is the default.
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
    """Calls at once."""
    per_minute: int = 600
    """Calls that begin in a minute; pictures of them, where `counts_pictures`."""
    counts_pictures: bool = False
    """Whether the provider limits pictures a minute, however many a call asks for."""
    shared: bool = True
    """Whether these bounds are of an account or a server that all workers use, so that they hold
    for all of them together; else for each."""

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
        Supply(provider="local", concurrency=1_000, per_minute=60_000, shared=False),
        # GPT Image 1.5, medium and high, square and larger. Read on 2026-11-21 in two lists of
        # others that agree, llmreference.com (of 2026-05-10) and runware.ai/docs, to a tenth of a
        # cent; OpenAI's own page was not at hand. The words of the prompt, and photos, are paid by
        # the token on top, some tenths of a cent. OpenAI limits images a minute, and tells an
        # account's own limit on its page of limits only: 250 is an estimate for a large account.
        Supply(
            provider="openai",
            micros_per_image={"standard": 34_000, "high": 133_000},
            micros_by_size={size: {"standard": 51_000, "high": 200_000} for size in _LARGER},
            per_minute=250,
            counts_pictures=True,
        ),
        # flux-schnell: 3 dollars a thousand, as workflowlab.dev has it of 2026-05-25 from
        # replicate.com/pricing. flux-kontext-pro, for photos: 0.04, Black Forest Labs' own price
        # (docs.bfl.ml/quick_start/pricing) and that of a reseller's list of Replicate; Replicate's
        # page was not at hand. Rate: replicate.com/docs/topics/predictions/rate-limits, 600
        # predictions a minute; an account with little credit is allowed 6. All read 2026-11-21.
        Supply(
            provider="replicate",
            micros_per_image={"standard": 3_000, "high": 3_000},
            micros_by_kind={
                kind: {"standard": 40_000, "high": 40_000} for kind in ("edit", "variation")
            },
        ),
        # flux/dev: 0.025 dollars a megapixel, begun ones counted whole (fal.ai/models/fal-ai/
        # flux-1/dev); flux-kontext/dev: 0.025 (lumenfall.ai); flux-lora, which fills masks: 0.035
        # (fal.ai's llms.txt of it), so an edit counts as that. The price of flux/dev/image-to-image
        # was not found: an estimate. An account begins with 2 requests at once and gets up to 40;
        # what is more waits in fal's queue (fal.ai/docs, FAQ). All read 2026-11-21. The rate is an
        # estimate: none is published.
        Supply(
            provider="fal",
            micros_per_image={"standard": 25_000, "high": 25_000},
            micros_by_size={size: {"standard": 50_000, "high": 50_000} for size in _LARGER},
            micros_by_kind={"edit": {"standard": 35_000, "high": 35_000}},
            concurrency=40,
        ),
        # Titan Image Generator v2 at 1024, standard and premium: a copy of Amazon's page of prices
        # (us-east-1) in a public repository, read 2026-11-21. Amazon's card of the model says that
        # it ended on 2026-06-30; what another one costs that takes its requests was not found. Nor
        # were the quotas, which are each account's own: estimates.
        Supply(
            provider="bedrock-titan",
            micros_per_image={"standard": 10_000, "high": 12_000},
            concurrency=20,
            per_minute=60,
        ),
        # SDXL 1.0 at 1024, up to 50 steps and more: not found any more; estimates, as its bounds.
        Supply(
            provider="bedrock-sdxl",
            micros_per_image={"standard": 40_000, "high": 80_000},
            concurrency=20,
            per_minute=60,
        ),
        # One's own machines: they cost the same whether they draw or not, one picture at a time.
        Supply(provider="diffusers", concurrency=4, shared=False),
        Supply(provider="comfyui", concurrency=4),
    )
}


def of(*providers: str) -> tuple[Supply, ...]:
    """These providers, in this order."""
    return tuple(SUPPLIES[name] for name in providers)
