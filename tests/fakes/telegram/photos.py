"""Files: what may be uploaded as a photo, and how files are fetched back."""

from __future__ import annotations

import secrets
from io import BytesIO
from typing import Any

import aiohttp
from PIL import Image, UnidentifiedImageError

from tests.fakes.telegram.arguments import Arguments, bad
from tests.fakes.telegram.state import World

UPLOAD_BYTES_MAX = 10 * 1024 * 1024
"""sendPhoto: "must be at most 10 MB in size"."""
BY_URL_BYTES_MAX = 5 * 1024 * 1024
"""Sending files: by URL "5 MB max size for photos"."""
DOWNLOAD_BYTES_MAX = 20 * 1024 * 1024
"""getFile: "bots can download files of up to 20MB in size"."""
LINK_SECONDS = 3600
"""getFile: the link "will be valid for at least 1 hour"; here no longer."""
SIDES_MAX = 10_000
RATIO_MAX = 20


def stored(world: World, data: bytes) -> list[dict[str, Any]]:
    """Keep a photo; its `PhotoSize` objects.

    Raises:
        Refused: too large, no image, or sides that Telegram does not take.
    """
    if len(data) > UPLOAD_BYTES_MAX:
        raise bad("file is too big")
    try:
        with Image.open(BytesIO(data)) as image:
            width, height = image.size
    except (UnidentifiedImageError, OSError):
        raise bad("IMAGE_PROCESS_FAILED") from None
    if width + height > SIDES_MAX or max(width, height) > RATIO_MAX * min(width, height):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    file_id = "AgAC" + secrets.token_urlsafe(40)
    world.files[file_id] = data
    return [_size(world, file_id, width, height)]


def as_file(world: World, data: bytes, mime_type: str) -> dict[str, Any]:
    """Keep a file as it is; its `Document` object."""
    file_id = "BQAC" + secrets.token_urlsafe(40)
    world.files[file_id] = data
    return {
        "file_id": file_id,
        "file_unique_id": file_id[4:20],
        "file_name": "photo",
        "mime_type": mime_type,
        "file_size": len(data),
    }


def _size(world: World, file_id: str, width: int, height: int) -> dict[str, Any]:
    return {
        "file_id": file_id,
        "file_unique_id": file_id[4:20],
        "width": width,
        "height": height,
        "file_size": len(world.files[file_id]),
    }


async def taken(world: World, call: Arguments, reference: str) -> list[dict[str, Any]]:
    """The photo of a call: an upload, a `file_id`, or a URL that Telegram fetches."""
    data = call.file(reference)
    if data is not None:
        if not data:
            raise bad("file must be non-empty")
        return stored(world, data)
    if reference in world.files:
        with Image.open(BytesIO(world.files[reference])) as image:
            return [_size(world, reference, *image.size)]
    if reference.startswith(("http://", "https://")):
        return stored(world, await _fetched(reference))
    if not reference or reference == "photo":
        raise bad("there is no photo in the request")
    raise bad("wrong remote file identifier specified: Wrong string length")


async def _fetched(url: str) -> bytes:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            if answer.status != 200 or not answer.content_type.startswith("image/"):
                raise bad("wrong type of the web page content")
            data = await answer.read()
    except aiohttp.ClientError:
        raise bad("failed to get HTTP URL content") from None
    if len(data) > BY_URL_BYTES_MAX:
        raise bad("failed to get HTTP URL content")
    return data


def get_file(world: World, call: Arguments) -> dict[str, Any]:
    """getFile: a path that works for an hour."""
    file_id = call.text("file_id")
    if not file_id:
        raise bad("file_id not specified")
    if file_id not in world.files:
        raise bad("invalid file_id")
    data = world.files[file_id]
    if len(data) > DOWNLOAD_BYTES_MAX:
        raise bad("file is too big")
    path = f"photos/file_{world.next_id()}.jpg"
    world.paths[path] = (file_id, world.clock.now() + LINK_SECONDS)
    return {
        "file_id": file_id,
        "file_unique_id": file_id[4:20],
        "file_size": len(data),
        "file_path": path,
    }


def download(world: World, path: str) -> bytes | None:
    """What `/file/bot<token>/<path>` answers; None: 404."""
    file_id, until = world.paths.get(path, ("", 0.0))
    return world.files[file_id] if world.clock.now() < until else None
