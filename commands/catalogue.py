"""What is for sale: models with their price, styles, sizes, qualities and credit packs. Data."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

import msgspec

from commands.supplies import Supply, of


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """An image model that a customer may choose."""

    id: str
    name: str
    providers: tuple[Supply, ...]
    """Who makes it, in the order in which they are asked."""
    credits_per_image: dict[str, int]
    """Whole credits by quality."""
    sizes: tuple[str, ...]
    """`WIDTHxHEIGHT` in pixels."""
    capabilities: tuple[str, ...] = ("image",)
    """Which kinds of requests it makes: `image`, `edit`, `variation`."""
    credits_by_kind: dict[str, dict[str, int]] = {}
    """Whole credits by quality, of kinds that cost other than `credits_per_image`."""
    photos_max: int = 1
    """How many photos an edit may begin with."""
    masks: bool = False
    """Whether a mask may say where a photo changes."""
    from_photos_max: int = 4
    """How many pictures one request may ask for that begins with photos."""

    def credits_for(self, kind: str) -> dict[str, int]:
        """Whole credits for one picture of that kind by quality; empty: it makes none."""
        if kind not in self.capabilities:
            return {}
        return self.credits_by_kind.get(kind, self.credits_per_image)

    @property
    def qualities(self) -> tuple[str, ...]:
        """What may be asked for as `quality`."""
        return tuple(self.credits_per_image)

    def supplies(self, among: Container[str]) -> tuple[Supply, ...]:
        """Those of its providers that are among these, in order."""
        return tuple(one for one in self.providers if one.provider in among)

    def makers(self, kind: str, size: str, quality: str) -> tuple[Supply, ...]:
        """Those of its providers that make such a picture, in order."""
        return tuple(one for one in self.providers if one.makes(kind, size, quality))

    def cost_micros(self, provider: str, kind: str, size: str, quality: str) -> int:
        """What one picture costs us there, in millionths of a US dollar; 0: not one of its own."""
        supply = next((one for one in self.providers if one.provider == provider), None)
        return 0 if supply is None else supply.cost_micros(kind, size, quality)


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """A look: what the worker adds to the prompt."""

    id: str
    name: str
    description: str
    prompt_suffix: str
    model: str | None = None
    """What makes it best: taken where a request names no model, if it can; None: any."""


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """Credits at a price, once or anew each period."""

    id: str
    name: str
    credits: int
    stars: int
    """The price in Telegram Stars."""
    usd_cents: int | None = None
    """The price in cents of a US dollar; None: it is sold for Stars only."""
    period_days: int | None = None
    """It is paid, and granted, anew after so many days, and what is left ends; None: only once."""

    def ends_at_ms(self, paid_at_ms: int) -> int | None:
        """When credits that were paid for then end; None: never."""
        return None if self.period_days is None else paid_at_ms + self.period_days * _DAY_MS


_DAY_MS: Final = 86_400_000
SIZES: Final = ("1024x1024", "1024x1536", "1536x1024")
QUALITIES: Final = ("standard", "high")
KINDS: Final = ("image", "edit", "variation")
"""What can be asked for: pictures from words, from photos and words, and like another picture."""
PHOTOS_MAX: Final = 4
"""The most photos that any edit begins with."""

MODELS: Final = (
    Model(
        id="preview",
        name="Preview",
        providers=of("local"),
        credits_per_image={"standard": 1, "high": 2},
        sizes=SIZES,
        capabilities=KINDS,
        photos_max=PHOTOS_MAX,
        masks=True,
    ),
    Model(
        id="gpt-image",
        name="GPT Image",
        providers=of("openai"),
        credits_per_image={"standard": 2, "high": 5},
        sizes=SIZES,
        capabilities=KINDS,
        credits_by_kind={
            # The photo is paid for too.
            "edit": {"standard": 3, "high": 6},
            "variation": {"standard": 3, "high": 6},
        },
        photos_max=PHOTOS_MAX,
        masks=True,
    ),
    Model(
        id="flux",
        name="FLUX",
        providers=of("replicate", "fal"),
        credits_per_image={"standard": 1, "high": 2},
        sizes=SIZES[:1],  # a megapixel is what it draws; other shapes would not have these sides
        capabilities=KINDS,
        credits_by_kind={
            # Another model of theirs, which costs more.
            "edit": {"standard": 2, "high": 3},
            "variation": {"standard": 2, "high": 3},
        },
        from_photos_max=1,
    ),
    Model(
        id="flux-dev",
        name="FLUX dev",
        providers=of("fal"),
        credits_per_image={"standard": 2, "high": 3},
        sizes=SIZES,
        capabilities=KINDS,
        masks=True,
    ),
    Model(
        id="titan",
        name="Titan",
        providers=of("bedrock-titan"),
        credits_per_image={"standard": 1, "high": 2},
        sizes=SIZES[:1],  # of ours it knows no other
        capabilities=KINDS,
        masks=True,
    ),
    Model(
        id="sdxl",
        name="Stable Diffusion XL",
        providers=of("bedrock-sdxl", "diffusers"),
        credits_per_image={"standard": 2, "high": 3},
        sizes=SIZES[:1],  # as above
        capabilities=KINDS,
        masks=True,
    ),
    Model(
        id="sdxl-local",
        name="SDXL",
        providers=of("diffusers"),
        credits_per_image={"standard": 1, "high": 2},
        sizes=SIZES,
        capabilities=KINDS,
        masks=True,
    ),
    Model(
        id="studio",
        name="Studio",
        providers=of("comfyui"),
        credits_per_image={"standard": 1, "high": 2},
        sizes=SIZES,
        capabilities=KINDS,
        masks=True,
    ),
)

STYLES: Final = (
    Style(
        id="none",
        name="As written",
        description="Your prompt and nothing else.",
        prompt_suffix="",
    ),
    Style(
        id="photo",
        name="Photo",
        description="Natural light, a fast lens, true colours.",
        prompt_suffix="photograph, natural light, shallow depth of field",
        model="gpt-image",
    ),
    Style(
        id="pixel",
        name="Pixel art",
        description="Sixteen bits, sharp edges, a small palette.",
        prompt_suffix="16-bit pixel art, crisp edges, limited palette",
    ),
    Style(
        id="watercolour",
        name="Watercolour",
        description="Wet paper, soft borders, visible brush.",
        prompt_suffix="watercolour on textured paper, soft edges",
    ),
    Style(
        id="poster",
        name="Poster",
        description="Flat shapes, strong type, two or three inks.",
        prompt_suffix="flat screen-printed poster, bold shapes, three inks",
        model="gpt-image",  # of all it alone writes words that can be read
    ),
    Style(
        id="neon",
        name="Neon night",
        description="Rain, glass and neon.",
        prompt_suffix="night scene, neon lights, wet reflections",
        model="flux",
    ),
)

PACKS: Final = (
    Pack(id="starter", name="Starter", credits=10, stars=50, usd_cents=99),
    Pack(id="regular", name="Regular", credits=50, stars=225, usd_cents=449),
    Pack(id="studio", name="Studio", credits=250, stars=1000, usd_cents=1999),
    # A period of Telegram's is 30 days and no other (Bot API, createInvoiceLink).
    Pack(id="monthly", name="Monthly", credits=120, stars=450, period_days=30),
)

MODELS_BY_ID: Final = {model.id: model for model in MODELS}
STYLES_BY_ID: Final = {style.id: style for style in STYLES}
PACKS_BY_ID: Final = {pack.id: pack for pack in PACKS}


def price(model_id: str, quality: str, kind: str = "image") -> int | None:
    """Credits for one picture; None when it is not for sale."""
    model = MODELS_BY_ID.get(model_id)
    return None if model is None else model.credits_for(kind).get(quality)
