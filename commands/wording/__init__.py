"""What people are told in chats, in their language: `say(language, key, **arguments)`."""

from __future__ import annotations

from commands.wording.catalogue import LANGUAGES, Argument, WordingMissing, language_of, say

__all__ = ["LANGUAGES", "Argument", "WordingMissing", "language_of", "say"]
