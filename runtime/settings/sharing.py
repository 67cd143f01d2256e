"""What people show to others: for how long, how much, and what is kept at hand for it."""

from __future__ import annotations

from typing import Annotated

from runtime.settings.about import about
from runtime.settings.uploads import Uploads


class Sharing(Uploads, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people show to others: for how long, how much, and what is kept at hand for it."""

    share_days_max: Annotated[
        int, about("For how long a link to a picture can be made.", unit="days", ge=1, le=3650)
    ] = 365
    share_links_max: Annotated[
        int, about("Links of one account that are open at once.", ge=1, le=100_000)
    ] = 1000
    share_cache_seconds: Annotated[
        int,
        about(
            "How long a browser or a cache in front may keep a shared picture: so long at most it "
            "is seen after its link ended.",
            unit="s",
            ge=0,
            le=86_400,
        ),
    ] = 60
    share_photos_bytes: Annotated[
        int,
        about(
            "Shared pictures that a gateway keeps at hand, together.",
            unit="bytes",
            ge=0,
            le=4_294_967_296,
        ),
    ] = 33_554_432
