"""What a call brings, whichever of the four ways it came in, and what cannot be understood.

"Making requests": URL query string, application/x-www-form-urlencoded, application/json (not for
files), multipart/form-data. Nested objects are JSON in a string everywhere but in a JSON body.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web


class Refused(Exception):
    """The answer is `{"ok": false, …}`.

    Args:
        code: `error_code`, and the HTTP status.
        description: of the error; after "Bad Request: " for 400.
        retry_after_seconds: `parameters.retry_after` of a 429.
    """

    def __init__(self, code: int, description: str, retry_after_seconds: int = 0) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after_seconds = retry_after_seconds


def bad(description: str) -> Refused:
    """A 400, worded as the API words it."""
    return Refused(400, f"Bad Request: {description}")


class Arguments:
    """The parameters of one call; `asked` collects the names that the method looked at."""

    def __init__(self, values: dict[str, Any], files: dict[str, bytes] | None = None) -> None:
        self.values = values
        self.files = files or {}

    @classmethod
    async def of(cls, request: web.Request) -> Arguments:
        """Read them; a body that is no JSON is a 400."""
        values: dict[str, Any] = dict(request.query)
        files: dict[str, bytes] = {}
        if request.content_type == "application/json":
            body = await request.read()
            try:
                decoded = json.loads(body or b"{}")
            except ValueError:
                raise bad("can't parse JSON object") from None
            if not isinstance(decoded, dict):
                raise bad("can't parse JSON object")
            values |= decoded
        elif request.can_read_body:
            for name, value in (await request.post()).items():
                if isinstance(value, web.FileField):
                    files[name] = value.file.read()
                else:
                    values[name] = value
        return cls({name: value for name, value in values.items() if value is not None}, files)

    def __contains__(self, name: str) -> bool:
        return name in self.values or name in self.files

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name, default)
        return value if isinstance(value, str) else json.dumps(value)

    def number(self, name: str, default: int = 0) -> int:
        """An integer; what is none counts as absent, as in the real server."""
        try:
            return int(self.values.get(name, default))
        except (TypeError, ValueError):
            return default

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.values.get(name, default)
        return value if isinstance(value, bool) else str(value).lower() in {"true", "yes", "1"}

    def structure(self, name: str, kind: type, what: str) -> Any:
        """A nested object or array; None where it is absent.

        Raises:
            Refused: "can't parse … JSON object".
        """
        value = self.values.get(name)
        if isinstance(value, str):
            if not value:
                return None
            try:
                value = json.loads(value)
            except ValueError:
                raise bad(f"can't parse {what} JSON object") from None
        if value is not None and not isinstance(value, kind):
            raise bad(f"can't parse {what} JSON object")
        return value

    def file(self, reference: str) -> bytes | None:
        """The upload that `attach://name` or the parameter's own name refers to."""
        return self.files.get(reference.removeprefix("attach://"))
