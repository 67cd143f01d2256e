"""The last touch to a picture before it is stored: its notes, and the operator's signature."""

from __future__ import annotations

import structlog
from msgspec.structs import replace

from processors.pictures.credentials import PROVIDERS_OWN, NotSigned, Signer
from processors.pictures.notes import Notes, annotated, has_chunk, says_more

_log = structlog.get_logger(__name__)


class Finishing:
    """What is done to each picture of one generation; called in threads.

    Args:
        notes: how they are made, but for their index.
        signer: signs them; None: nobody does.
    """

    def __init__(self, notes: Notes, signer: Signer | None) -> None:
        self._notes = notes
        self._signer = signer

    def __call__(self, index: int, png: bytes) -> bytes:
        """The PNG as it will be stored.

        Raises:
            ValueError: it is no whole PNG.
        """
        if self._signer is None and has_chunk(png, PROVIDERS_OWN) and not says_more(png):
            return png  # a provider's own credentials hold for the file as it is
        notes = replace(self._notes, index=index)
        made = annotated(png, notes)
        if self._signer is None:
            return made
        try:
            return self._signer.signed(made, notes, before=png)
        except NotSigned as error:
            # It was paid for: better without a signature than not at all.
            _log.error("a picture is delivered without content credentials", error=str(error))
            return made
