"""`<data_dir>/processes.json`: which processes of a data directory run, for people and scripts."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """One running process.

    Attributes:
        pid: its process id; 0 while it waits to be started again.
        port: where it answers; 0 when it has not said so yet.
        restarts: how often it was started again after it had ended by itself.
    """

    pid: int
    port: int
    restarts: int


class Registry:
    """The file, always replaced as a whole, so that a reader never sees half of it."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "processes.json"
        self._entries: dict[str, Entry] = {}

    def set(self, name: str, entry: Entry) -> None:
        """Write down what is known about one process."""
        if self._entries.get(name) != entry:
            self._entries[name] = entry
            self._write()

    def remove(self, name: str) -> None:
        """The process was stopped on purpose."""
        if self._entries.pop(name, None) is not None:
            self._write()

    def clear(self) -> None:
        """Nothing runs any more."""
        self._entries.clear()
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        growing = self.path.with_suffix(".growing")
        growing.write_bytes(msgspec.json.format(msgspec.json.encode(self._entries), indent=2))
        growing.replace(self.path)


def read(data_dir: Path) -> dict[str, Entry]:
    """What the file says; empty when there is none."""
    try:
        content = (data_dir / "processes.json").read_bytes()
    except FileNotFoundError:
        return {}
    return msgspec.json.decode(content, type=dict[str, Entry])
