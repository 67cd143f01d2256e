"""Looking for malware in what people send, by a ClamAV daemon where one is configured."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import structlog

from gateway.uploads.cleaning import Refused
from runtime.errors import PixelpopError
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

CLEAN: Final = "clean"
UNCHECKED: Final = "unchecked"
_CHUNK_BYTES: Final = 262_144


class ScannerAway(PixelpopError):
    """The scanner is configured and does not answer: nothing is taken unchecked then."""

    code = "scanner-unavailable"
    retryable = True


class Scanner:
    """Asks the daemon at `CLAMAV_ADDRESS`.

    Args:
        settings: where it is, and how long it may take.
    """

    def __init__(self, settings: Settings) -> None:
        self._address = settings.clamav_address
        self._timeout_seconds = settings.clamav_timeout_seconds

    async def scan(self, data: bytes) -> str:
        """`clean`, or `unchecked` where there is no scanner.

        Raises:
            Refused: it is malware.
            ScannerAway: nobody knows.
        """
        if self._address is None:
            return UNCHECKED
        from aioclamd import ClamdAsyncClient, ClamdError  # only where one is configured

        host, _, port = self._address.rpartition(":")
        client = ClamdAsyncClient(host, int(port), timeout=self._timeout_seconds)
        try:
            found = await client.instream(_InLargerPieces(data))
            status, name = found["stream"]
        except (ClamdError, OSError, LookupError, TypeError, ValueError, EOFError) as error:
            raise ScannerAway(f"ClamAV does not answer: {error!r}") from error
        if status == "OK":
            return CLEAN
        if status == "FOUND":
            _log.warning("malware in an upload", found=name)
            raise Refused("malware", "The file holds malware. It was deleted.")
        raise ScannerAway(f"ClamAV answered {status}.")


class _InLargerPieces(BytesIO):
    """The client asks for a kilobyte at a time, each by way of a thread."""

    def read(self, size: int | None = -1, /) -> bytes:
        """More than asked for."""
        return super().read(max(size or -1, _CHUNK_BYTES))
