"""What a stand-in for a provider is told by words in the prompt: `[500]`, `[429:2]`, `[drop!]`.

A directive counts for the first request of its prompt only, except with `!`.
"""

from __future__ import annotations

import re

DIRECTIVE = re.compile(r"\[(?P<name>[a-z0-9]+)(?::(?P<value>[0-9.]+))?(?P<always>!)?\]")


class Directives:
    """Those of one stand-in; `next` holds directives for the next requests of any prompt."""

    def __init__(self) -> None:
        self.next: list[str] = []
        self._seen: set[str] = set()

    def forget(self) -> None:
        """Every prompt is new again."""
        self.next.clear()
        self._seen.clear()

    def of(self, prompt: str) -> tuple[str, float]:
        """Name and value of what is to be done; the name is empty where that is nothing."""
        found = DIRECTIVE.search(self.next.pop(0) if self.next else prompt)
        seen = prompt in self._seen
        self._seen.add(prompt)
        if found is None or (seen and not found["always"] and found.string is prompt):
            return "", 0.0
        return found["name"], float(found["value"] or 0)
