"""How Stripe's package speaks HTTP: by httpx, as the rest of the project. Imported when needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stripe import HTTPXClient


class Connections(HTTPXClient):
    """httpx, given a form's bytes in the way that it does not warn of."""

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any
    ) -> Any:
        args = {"headers": headers, "content": post_data or b"", "timeout": self._timeout}
        return [(method, url), args]
