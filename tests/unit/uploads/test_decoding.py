"""Photos are decoded in processes of their own, which may end without harm to anything else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.uploads.cleaning import Refused, clean
from gateway.uploads.decoding import DecoderAway, Decoders
from tests.unit.uploads import photos
from tests.unit.uploads.test_cleaning import BOUNDS

PRANKS = """
import ctypes, os, sys, threading
from gateway.uploads import decoder

clean = decoder.clean

def pranked(data, bounds):
    if data == b"crash":
        ctypes.string_at(0)
    if data == b"hang":
        threading.Event().wait()
    if data == b"greed":
        return clean(bytes(10**9), bounds)
    if data == b"secrets":
        raise decoder.Refused(str(sorted(os.environ)), "said")
    return clean(data, bounds)

decoder.clean = pranked
decoder.main(int(sys.argv[1]), int(sys.argv[2]))
"""
MEMORY = 512 * 1024 * 1024


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    """Whose processes do as a file says."""
    found = Decoders(20.0, MEMORY, (sys.executable, "-B", "-c", PRANKS))
    yield found
    found.close()


def refusal(decoders: Decoders, data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        decoders.clean(data, BOUNDS)
    return refused.value.code


def test_same(decoders: Decoders) -> None:
    """What comes of a photo there is what would come of it here, its refusals too."""
    data = photos.jpeg(exif=photos.exif(orientation=6))
    assert decoders.clean(data, BOUNDS) == clean(data, BOUNDS)
    assert decoders.clean(photos.HEIC, BOUNDS).content_type == "image/webp"
    with pytest.raises(Refused, match="no JPEG, PNG") as refused:
        decoders.clean(b"just words", BOUNDS)
    assert refused.value.code == "not-a-photo"
    assert refusal(decoders, photos.png(60_000, 60_000, rows=b"\x00")) == "too-many-pixels"


def test_ends_over_a_photo(decoders: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who crashes a decoder, or takes too long or too much memory, is refused; the next is not."""
    assert refusal(decoders, b"crash") == "unreadable"
    assert refusal(decoders, b"greed") == "too-heavy"
    with monkeypatch.context() as patch:
        patch.setattr(decoders, "_seconds", 0.3)
        assert refusal(decoders, b"hang") == "too-heavy"
    assert decoders.clean(photos.jpeg(), BOUNDS).width == 120


def test_no_secrets(decoders: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of our environment is there, whatever a file makes the process do."""
    monkeypatch.setenv("JWT_SECRET", "a secret")
    assert "JWT_SECRET" in os.environ
    assert refusal(decoders, b"secrets") in {
        "['LANG', 'PYTHONPATH']",
        "['LANG', 'LC_CTYPE', 'PYTHONPATH']",
    }


def test_closed_meanwhile() -> None:
    """Who waits when it is closed is told to come back, at once; nothing is refused for that."""
    decoders = Decoders(20.0, MEMORY, (sys.executable, "-B", "-c", PRANKS))
    decoders.clean(photos.jpeg(), BOUNDS)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(decoders.clean, b"hang", BOUNDS)
        with pytest.raises(TimeoutError):
            asked.result(0.1)
        decoders.close()
        assert isinstance(asked.exception(10), DecoderAway)


def test_closed() -> None:
    """Without a program that starts, or once it is closed, it says to come back."""
    with pytest.raises(DecoderAway):
        Decoders(1.0, MEMORY, ("/bin/false",)).clean(photos.jpeg(), BOUNDS)
    with pytest.raises(DecoderAway):
        Decoders(1.0, MEMORY, ("/nowhere/at/all",)).clean(photos.jpeg(), BOUNDS)
    closed = Decoders(1.0, MEMORY)
    closed.close()
    with pytest.raises(DecoderAway):
        closed.clean(photos.jpeg(), BOUNDS)
