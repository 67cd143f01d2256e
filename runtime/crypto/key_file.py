"""The master keys in a file of secrets: read, read again when it changes, rotated, retired."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog

from runtime.crypto.master import Keys, decode_key, mark_key_of, parse_key, parse_keys
from runtime.errors import PixelpopError, SettingsError
from runtime.secrets import SecretsFile, make_master_key

CURRENT: Final = "master_key"
OTHERS: Final = "other_master_keys"
MARKS: Final = "marks_key"
RETIRED: Final = "retired_master_key_ids"

_log = structlog.get_logger(__name__)


class KeyFile:
    """The master keys in a file of secrets, which a rotation replaces as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = SecretsFile(path.parent, path=path)
        self._seen: tuple[int, int] | None = None

    def keys(self) -> Keys | None:
        """What stands in it now; None: no master key.

        Raises:
            StartError, SettingsError: it is damaged.
        """
        self._seen = self._stamp()
        known = self._file.read()
        if CURRENT not in known:
            return None
        current = parse_key(known[CURRENT], CURRENT)
        others = parse_keys(known.get(OTHERS, ""), OTHERS)
        given = known.get(MARKS)
        oldest = others[-1] if others else current
        return Keys(current, others, decode_key(given, MARKS) if given else mark_key_of(oldest))

    def keys_if_changed(self) -> Keys | None:
        """What stands in it, if that is not what was read last.

        A file that is gone or damaged meanwhile changes nothing for who has read it; it is told.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return None
        try:
            return self.keys()
        except PixelpopError as error:
            _log.error("the file of secrets cannot be read again", error=str(error))
            return None

    def knows(self, master_key: str | None) -> bool:
        """Whether this key is, or was, one of the file's: then the file says what holds now."""
        if master_key is None:
            return True
        known = self._file.read()
        listed = {known.get(CURRENT), *known.get(OTHERS, "").split(",")}
        retired = known.get(RETIRED, "").split(",")
        return master_key in listed or parse_key(master_key, "PIXELPOP_MASTER_KEY").id in retired

    def rotate(self) -> Keys:
        """Put a new current key before those that are there.

        Raises:
            SettingsError: the file has no master key to rotate.
        """

        def changed(known: dict[str, str]) -> dict[str, str]:
            before = self.keys()
            if before is None:
                raise SettingsError(
                    f"{self.path} holds no master key, so there is nothing to rotate in it; "
                    "with PIXELPOP_MASTER_KEY set, follow docs/security.md."
                )
            others = [known[CURRENT], *filter(None, known.get(OTHERS, "").split(","))]
            marks = base64.b64encode(before.mark_key).decode()
            return known | {CURRENT: make_master_key(), OTHERS: ",".join(others), MARKS: marks}

        self._file.change(changed)
        keys = self.keys()
        assert keys is not None
        return keys

    def retire(self, unused: Iterable[str]) -> list[str]:
        """Take other keys with these ids out for ever; returns the ids that were taken."""
        gone: list[str] = []

        def changed(known: dict[str, str]) -> dict[str, str]:
            kept = []
            for text in filter(None, known.get(OTHERS, "").split(",")):
                key = parse_key(text, OTHERS)
                if key.id in wanted:
                    gone.append(key.id)
                else:
                    kept.append(text)
            retired = [*filter(None, known.get(RETIRED, "").split(",")), *gone]
            return known | {OTHERS: ",".join(kept), RETIRED: ",".join(retired)}

        wanted = frozenset(unused)
        self._file.change(changed)
        return gone

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino
