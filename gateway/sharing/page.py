"""The page behind a link, as HTML: whole without a script, and nothing on it from elsewhere."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from commands.catalogue import STYLES_BY_ID
from commands.wording import LANGUAGES, language_of, say
from gateway.sharing.addresses import base_of, make_yours, page_of, photo_of
from gateway.sharing.opening import Shared
from gateway.sharing.photos import shown_size
from gateway.web.errors import Answer
from runtime.settings import Settings

_PAGES: Final = Path(__file__).parent / "pages"
_STYLE: Final = (_PAGES / "style.css").read_text(encoding="utf-8")
_SHARED: Final = Template((_PAGES / "shared.html").read_text(encoding="utf-8"))
_GONE: Final = Template((_PAGES / "gone.html").read_text(encoding="utf-8"))
_STYLE_HASH: Final = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        f"default-src 'none'; img-src 'self'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'".encode(),
    ),
    # The page is made anew for each visit: a link that ended shows nothing from then on.
    (b"cache-control", b"no-store"),
    (b"vary", b"accept-language"),
    (b"x-robots-tag", b"noindex, noarchive"),
)
_RANGE: Final = re.compile(r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q=([0-9.]{1,5}))?")
ACCEPT_CHARS_MAX: Final = 500


def shared_page(
    settings: Settings, code: str, shared: Shared, *, language: str, bot_name: str | None
) -> Answer:
    """The page that shows a picture."""
    width, height = shown_size(shared.width, shared.height)
    style = STYLES_BY_ID.get(shared.style_id)
    prompt = shared.prompt
    description = (
        say(language, "sharing-description")
        if prompt is None
        else say(language, "sharing-description-prompt", prompt=prompt)
    )
    texts = {
        "language": language_of(language),
        "title": say(language, "sharing-title"),
        "description": description,
        "url": page_of(settings, code),
        "photo": photo_of(settings, code),
        "photo_path": f"/s/{code}/photo.jpg",
        "width": str(width),
        "height": str(height),
        "alt": say(language, "sharing-alt"),
        "look": say(
            language, "sharing-style", style=shared.style_id if style is None else style.name
        ),
        "make": make_yours(settings, code, bot_name),
        "make_label": say(language, "sharing-make-yours"),
        "until": say(language, "sharing-until", date=shared.expires_at),
    }
    shown = {name: escape(text) for name, text in texts.items()}
    quote = "" if prompt is None else f"<blockquote>{escape(prompt)}</blockquote>"
    body = _SHARED.substitute(shown, quote=quote, style=_STYLE)
    return Answer(200, list(_HEADERS), body.encode())


def gone_page(settings: Settings, *, language: str, bot_name: str | None) -> Answer:
    """What is shown where no link is open: whether there ever was one it does not say."""
    home = base_of(settings) + "/" if bot_name is None else f"https://t.me/{bot_name}"
    texts = {
        "language": language_of(language),
        "title": say(language, "sharing-gone-title"),
        "sentence": say(language, "sharing-gone"),
        "make": home,
        "make_label": say(language, "sharing-gone-make"),
    }
    shown = {name: escape(text) for name, text in texts.items()}
    return Answer(404, list(_HEADERS), _GONE.substitute(shown, style=_STYLE).encode())


def preferred_language(accept: bytes | None) -> str:
    """The language of ours that `Accept-Language` likes best (RFC 9110, 12.5.4)."""
    text = (accept or b"")[:ACCEPT_CHARS_MAX].decode("ascii", "replace")
    best, best_weight = LANGUAGES[0], 0.0
    for part in text.split(","):
        found = _RANGE.fullmatch(part.strip())
        if found is None:
            continue
        weight = _weight(found[2])
        known = found[1].split("-")[0].lower() in LANGUAGES
        if known and weight > best_weight:
            best, best_weight = language_of(found[1]), weight
    return best


def _weight(text: str | None) -> float:
    try:
        return min(1.0, float(text)) if text is not None else 1.0
    except ValueError:
        return 0.0
