"""The prompt as a model gets it."""

from __future__ import annotations

from commands.catalogue import STYLES_BY_ID
from processors.providers.base import VARIATION, ImageRequest

ANOTHER = "Make another version of this picture: the same subject, style and mood, other details."


def words_of(request: ImageRequest, chars_max: int | None = None) -> str:
    """The person's words and the style's, for models that are told apart what to avoid.

    Args:
        request: what to draw.
        chars_max: more than the model takes; the style's words are left out first.
    """
    style = STYLES_BY_ID.get(request.style_id)
    suffix = "" if style is None else style.prompt_suffix
    styled = (
        f"{request.prompt}. {suffix}" if suffix and request.prompt else request.prompt or suffix
    )
    if chars_max is None:
        return styled
    return (styled if len(styled) <= chars_max else request.prompt)[:chars_max]


def prompt_of(request: ImageRequest) -> str:
    """The person's words, the style's, and what to avoid."""
    style = STYLES_BY_ID.get(request.style_id)
    parts = [request.prompt]
    if style is not None and style.prompt_suffix:
        parts.append(f"Style: {style.prompt_suffix}.")
    if request.negative_prompt:
        parts.append(f"Do not show: {request.negative_prompt}.")
    return "\n\n".join(parts)


def prompt_of_photos(request: ImageRequest) -> str:
    """The same for a model that is shown photos and does as it is told.

    A variation says what it is: its words, if there are any, say only what shall be different.
    """
    if request.kind != VARIATION:
        return prompt_of(request)
    words = prompt_of(request).strip()
    return f"{ANOTHER}\n\n{words}" if words else ANOTHER
