"""Pictures: which previews are made, how they are kept and what stands in their files."""

from __future__ import annotations

from typing import Annotated, Literal

from runtime.settings.about import about
from runtime.settings.grants import Grants


class Images(Grants, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pictures: which previews are made, how they are kept and what stands in their files."""

    previews: Annotated[
        Literal["all", "webp", "small"],
        about(
            "Previews of a picture: WebP and AVIF of 512 and 1024 pixels, `webp` without AVIF, or "
            "`small`, the WebP of 512 pixels alone. AVIF takes about 40 ms of a core a picture."
        ),
    ] = "all"
