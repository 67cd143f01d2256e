"""What our accounts with providers allow."""

from __future__ import annotations

from typing import Annotated

from runtime.settings.about import about
from runtime.settings.budget import Budget

_PAIRS = r"^([a-z0-9-]+=[1-9][0-9]{0,5}(,[a-z0-9-]+=[1-9][0-9]{0,5})*)?\Z"


class ProviderLimits(Budget, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What our accounts with providers allow."""

    provider_concurrency: Annotated[
        str,
        about(
            "Calls to a provider at once, of all workers together, where that is not what the "
            "catalogue says: `openai=20,fal=10`. For `local` and `diffusers`: of each worker.",
            unit="calls",
            pattern=_PAIRS,
        ),
    ] = ""
    provider_per_minute: Annotated[
        str,
        about(
            "The same for calls that begin in a minute, for `openai` for the pictures that are "
            "asked for: `openai=20`.",
            pattern=_PAIRS,
        ),
    ] = ""
