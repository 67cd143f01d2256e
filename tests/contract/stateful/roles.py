"""Who walks: for each role, how somebody new of it comes to be and what they show at the door."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from gateway.access.permissions import ANALYST, AUDITOR, CREDITS_READ, SCOPES
from gateway.identity.init_data import sign_init_data

ADMIN: Final = 888_000
"""The Telegram id that the settings make an admin of."""
WEBHOOK_SECRET: Final = "shown-by-Telegram"
WHY: Final = {"reason": "the walk needs one"}

Headers = dict[str, str]
_people = itertools.count(5_000_000)


class Town:
    """Makes people through the front door.

    Args:
        url: of the gateway.
        bot_token: what init data is signed with.
    """

    def __init__(self, url: str, bot_token: str) -> None:
        self.url = url
        self._bot_token = bot_token
        self._http = httpx.Client(base_url=url, timeout=30)
        self.roles: dict[str, Callable[[], Headers]] = {
            "anonymous": dict,
            "user": lambda: self.user()[1],
            "tma": lambda: {"Authorization": f"tma {self.init_data()}"},
            "api-key": lambda: self._with_key(sorted(SCOPES)),
            "api-key-of-one-scope": lambda: self._with_key([CREDITS_READ]),
            "analyst": lambda: self._granted(ANALYST),
            "auditor": lambda: self._granted(AUDITOR),
            "admin": lambda: self.user(ADMIN)[1],
            "banned": self._banned,
        }
        """By name: makes somebody new, and says what they send with every request."""

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def init_data(self, telegram_id: int | None = None) -> str:
        """Of somebody new, unless an id is given."""
        person = {"id": telegram_id or next(_people), "first_name": "Ada"}
        return sign_init_data(self._bot_token, person, int(time.time()))

    def user(self, telegram_id: int | None = None) -> tuple[str, Headers]:
        """Sign somebody in: account id and headers."""
        login = self._post("/auth/login", {}, {"init_data": self.init_data(telegram_id)})
        return login["user"]["id"], {"Authorization": f"Bearer {login['access_token']}"}

    def _with_key(self, scopes: list[str]) -> Headers:
        _, headers = self.user()
        key = self._post("/api-keys", headers, {"name": "walker", "scopes": scopes})
        return {"Authorization": f"Bearer {key['key']}"}

    def _granted(self, role: str) -> Headers:
        account_id, headers = self.user()
        _, admin = self.user(ADMIN)
        self._post(f"/admin/accounts/{account_id}/roles", admin, {"role": role, **WHY})
        return headers

    def _banned(self) -> Headers:
        account_id, headers = self.user()
        _, admin = self.user(ADMIN)
        self._post(f"/admin/accounts/{account_id}/ban", admin, WHY)
        return headers

    def _post(self, path: str, headers: Headers, body: dict[str, Any]) -> Any:
        answer = self._http.post(path, headers=headers, json=body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return json.loads(answer.content)
