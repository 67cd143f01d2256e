"""Who somebody is outside: what every kind of proof leads to."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

TELEGRAM: Final = "telegram"
NAME_CHARS_MAX: Final = 256
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of pairs: JSON can escape both, PostgreSQL takes no NUL, and UTF-8
no half."""


def is_fit(text: str) -> bool:
    """Whether a text can be kept and sent on as it is."""
    return _UNFIT.search(text) is None


def shown(value: object, chars_max: int = NAME_CHARS_MAX) -> str:
    """What somebody says of themselves, for showing; empty if it cannot be shown."""
    return value if isinstance(value, str) and len(value) <= chars_max and is_fit(value) else ""


Means = Literal["init_data", "login_widget", "oidc", ""]
"""How a proof was made; empty: not known."""


INVITATION: Final = "ref_"
"""What the start parameter of an invitation begins with; the code follows."""
_CODE = re.compile(r"[A-Za-z0-9_-]{10,40}")


def invitation(code: str) -> str:
    """The code of an invitation; empty, if it cannot be one."""
    return code if _CODE.fullmatch(code) else ""


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """A person as a proof names them."""

    provider: str
    """`telegram`, or `oidc_` and the beginning of a hash of the issuer."""
    subject_id: str
    """Who it is there, for ever."""
    digest: bytes
    """32 bytes that name the proof, however it was written down."""
    proved_at: float
    """When the person proved it there, in seconds since 1970."""
    good_until: float
    """When the proof gets too old, in seconds since 1970."""
    means: Means = ""
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language: str = ""
    """An IETF language tag."""
    invited_by: str = ""
    """The code of the link that led here, if it was somebody's invitation."""

    @property
    def telegram_id(self) -> int | None:
        """Telegram's id of the person; None: they came from elsewhere."""
        return int(self.subject_id) if self.provider == TELEGRAM else None

    @property
    def display_name(self) -> str:
        """What to call the person."""
        return f"{self.first_name} {self.last_name}".strip() or self.username
