"""The prompt as a model gets it."""

from __future__ import annotations

from commands.catalogue import STYLES_BY_ID
from processors.providers.base import ImageRequest


def prompt_of(request: ImageRequest) -> str:
    """The person's words, the style's, and what to avoid."""
    style = STYLES_BY_ID.get(request.style_id)
    parts = [request.prompt]
    if style is not None and style.prompt_suffix:
        parts.append(f"Style: {style.prompt_suffix}.")
    if request.negative_prompt:
        parts.append(f"Do not show: {request.negative_prompt}.")
    return "\n\n".join(parts)
