"""The picture that both sides draw, so that the rows compare everything around it.

It is the project's own provider `local`, called without its pretended thinking time.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True)
class Picture:
    """An original and its preview, encoded."""

    original: bytes
    preview: bytes


def draw(seed: str) -> Picture:
    """One 1024x1024 picture."""
    color = tuple(hashlib.sha256(seed.encode()).digest()[:3])
    image = Image.new("RGB", (1024, 1024), color)
    original, preview = io.BytesIO(), io.BytesIO()
    image.save(original, "PNG")
    image.resize((512, 512)).save(preview, "WEBP")
    return Picture(original.getvalue(), preview.getvalue())
