"""Pictures as others get them: a JPEG of moderate size, made when it is first asked for.

JPEG because Telegram takes no other for inline results
(https://core.telegram.org/bots/api#inlinequeryresultphoto). Made anew from its pixels, so nothing
that an image file can say beside them goes along.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Final

from PIL import Image

from gateway.web.errors import Problem
from runtime.objects import ObjectStore

SIDE_PIXELS_MAX: Final = 1280
"""The longest side: to this size Telegram brings a photo anyway."""
THUMBNAIL_PIXELS: Final = 320
QUALITY: Final = 85
PIXELS_MAX: Final = 25_000_000
"""The largest picture that is decoded: as many as are ever stored."""
THREADS: Final = 2
WAITING_MAX: Final = 200
"""Pictures that are being made, or wait to be; who asks for one more is told to come back."""
_WHITE: Final = (255, 255, 255)


class Photos:
    """Makes JPEGs, and keeps the last ones at hand.

    Args:
        objects: holds the originals.
        bytes_max: how much is kept.
    """

    def __init__(self, objects: ObjectStore, bytes_max: int) -> None:
        self._objects = objects
        self._bytes_max = bytes_max
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._making: dict[tuple[str, int], asyncio.Task[bytes | None]] = {}
        self._threads = ThreadPoolExecutor(THREADS, "photos")

    def close(self) -> None:
        """Make no more."""
        for task in self._making.values():
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def jpeg(self, object_key: str, side_pixels: int = SIDE_PIXELS_MAX) -> bytes | None:
        """The picture of that key with no side longer than this; None: its bytes are gone.

        Raises:
            Problem: it cannot be shown, or too many are being made.
            PixelpopError: the object storage is away.
        """
        name = (object_key, side_pixels)
        kept = self._kept.get(name)
        if kept is not None:
            self._kept.move_to_end(name)
            return kept
        task = self._making.get(name)
        if task is None:
            if len(self._making) >= WAITING_MAX:
                raise Problem("overloaded", "Too many pictures are asked for. Try again shortly.")
            task = self._making[name] = asyncio.create_task(self._make(*name))
            task.add_done_callback(lambda _: self._making.pop(name, None))
        # Who hangs up does not take the picture from others that wait for it.
        return await asyncio.shield(task)

    def forget(self, account_id: str) -> None:
        """The account was erased: keep nothing of it."""
        for name in [name for name in self._kept if f"/{account_id}/" in name[0]]:
            self._bytes -= len(self._kept.pop(name))

    async def _make(self, object_key: str, side_pixels: int) -> bytes | None:
        original = await self._objects.get(object_key)
        if original is None:
            return None
        loop = asyncio.get_running_loop()
        try:
            photo = await loop.run_in_executor(self._threads, to_jpeg, original, side_pixels)
        # What Pillow's decoders raise on damaged bytes is not a closed set.
        except Exception as error:
            raise Problem("not-found", "The picture cannot be shown.") from error
        self._keep((object_key, side_pixels), photo)
        return photo

    def _keep(self, name: tuple[str, int], photo: bytes) -> None:
        if len(photo) > self._bytes_max:
            return
        self._kept[name] = photo
        self._bytes += len(photo)
        while self._bytes > self._bytes_max:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped)


def to_jpeg(original: bytes, side_pixels: int) -> bytes:
    """A JPEG of a PNG, with nothing but its pixels; what is transparent becomes white.

    Raises:
        ValueError: it has more pixels than any picture of ours.
        Exception: it cannot be decoded.
    """
    with Image.open(BytesIO(original), formats=("PNG",)) as picture:
        if picture.width * picture.height > PIXELS_MAX:
            raise ValueError(f"{picture.width}x{picture.height} pixels")
        shown = picture.convert("RGBA")
        shown.thumbnail((side_pixels, side_pixels), Image.Resampling.LANCZOS, reducing_gap=1.0)
    flat = Image.new("RGB", shown.size, _WHITE)
    flat.paste(shown, mask=shown.getchannel("A"))
    out = BytesIO()
    flat.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def shown_size(width: int, height: int) -> tuple[int, int]:
    """How large the JPEG of a picture of that size is, about."""
    factor = min(1.0, SIDE_PIXELS_MAX / max(width, height, 1))
    return max(1, round(width * factor)), max(1, round(height * factor))
