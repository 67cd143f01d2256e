"""How a bot introduces itself: getMe, webhook, commands, descriptions, menu button."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.telegram import text
from tests.fakes.telegram.arguments import Arguments, bad
from tests.fakes.telegram.state import World
from tests.fakes.telegram.updates import Updates, Webhook

PORTS = frozenset({443, 80, 88, 8443})
"""setWebhook: "Ports currently supported"."""
SECRET_MAX = 256
COMMANDS_MAX = 100
COMMAND_DESCRIPTION_MAX = 256
DESCRIPTION_MAX = 512
SHORT_DESCRIPTION_MAX = 120
_COMMAND = re.compile(r"/?[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"(?:[a-z]{2})?")


class Setup:
    """The methods; each takes the call and returns the `result`."""

    def __init__(self, world: World, updates: Updates) -> None:
        self._world = world
        self._updates = updates

    def get_me(self, _call: Arguments) -> dict[str, Any]:
        return self._world.bot

    def set_webhook(self, call: Arguments) -> bool:
        """setWebhook: HTTPS, four ports, a secret of 1-256 of `A-Za-z0-9_-`."""
        url, secret = call.text("url"), call.text("secret_token")
        if not url:
            return self.delete_webhook(call)
        self._address(url)
        if len(secret) > SECRET_MAX:
            raise bad("secret token is too long")
        if not re.fullmatch(r"[A-Za-z0-9_-]*", secret):
            raise bad("secret token contains unallowed characters")
        if not secret:
            self._world.findings.append("setWebhook without a secret_token")
        most = call.number("max_connections", 40)
        self._updates.allow(call)
        if call.flag("drop_pending_updates"):
            self._updates.pending.clear()
        # The real server puts numbers outside 1-100 to the nearer end.
        self._updates.set_webhook(Webhook(url, secret, min(max(most, 1), 100)))
        return True

    def _address(self, url: str) -> None:
        """Refuse what updates cannot be sent to."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise bad("invalid webhook URL specified") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise bad("invalid webhook URL specified")
        if self._world.rules.loopback_http and text.is_loopback(parts.hostname):
            return
        if parts.scheme != "https":
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        if (port or 443) not in PORTS:
            raise bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
        if text.is_loopback(parts.hostname):
            raise bad("bad webhook: IP address 127.0.0.1 is reserved")

    def delete_webhook(self, call: Arguments) -> bool:
        if call.flag("drop_pending_updates"):
            self._updates.pending.clear()
        self._updates.set_webhook(Webhook())
        return True

    def get_webhook_info(self, _call: Arguments) -> dict[str, Any]:
        webhook = self._updates.webhook
        info: dict[str, Any] = {
            "url": webhook.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._updates.pending),
        }
        if webhook.url:
            info |= {"max_connections": webhook.max_connections, "ip_address": "127.0.0.1"}
        if webhook.last_error:
            info["last_error_date"] = webhook.last_error_at
            info["last_error_message"] = webhook.last_error
        if self._updates.explicit:
            info["allowed_updates"] = self._updates.explicit
        return info

    def set_my_commands(self, call: Arguments) -> bool:
        """BotCommand: 1-32 of `a-z0-9_`, described in 1-256 characters; at most 100."""
        commands = call.structure("commands", list, "commands")
        if commands is None:
            raise bad("can't parse commands JSON object")
        if len(commands) > COMMANDS_MAX:
            raise bad("BOT_COMMANDS_TOO_MUCH")
        for one in commands:
            if not isinstance(one, dict):
                raise bad("can't parse BotCommand: BotCommand must be an Object")
            if not _COMMAND.fullmatch(str(one.get("command", ""))):
                raise bad("BOT_COMMAND_INVALID")
            if not 1 <= len(str(one.get("description", ""))) <= COMMAND_DESCRIPTION_MAX:
                raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        kept = [
            {"command": one["command"].removeprefix("/"), "description": one["description"]}
            for one in commands
        ]
        self._world.commands[self._key(call)] = kept
        return True

    def get_my_commands(self, call: Arguments) -> list[dict[str, Any]]:
        return self._world.commands.get(self._key(call), [])

    def _key(self, call: Arguments) -> str:
        scope = call.structure("scope", dict, "BotCommandScope") or {"type": "default"}
        return "/".join([*map(str, scope.values()), self._language(call)])

    def _language(self, call: Arguments) -> str:
        language = call.text("language_code")
        if not _LANGUAGE.fullmatch(language):
            raise bad("LANG_CODE_INVALID")
        return language

    def set_my_description(self, call: Arguments) -> bool:
        return self._set_text(call, "description", DESCRIPTION_MAX)

    def get_my_description(self, call: Arguments) -> dict[str, str]:
        return self._get_text(call, "description")

    def set_my_short_description(self, call: Arguments) -> bool:
        return self._set_text(call, "short_description", SHORT_DESCRIPTION_MAX)

    def get_my_short_description(self, call: Arguments) -> dict[str, str]:
        return self._get_text(call, "short_description")

    def _set_text(self, call: Arguments, name: str, length_max: int) -> bool:
        value = call.text(name)
        if len(value) > length_max:
            raise bad("BOT_DESCRIPTION_TOO_LONG")
        self._world.texts[f"{name}/{self._language(call)}"] = value
        return True

    def _get_text(self, call: Arguments, name: str) -> dict[str, str]:
        """That of the language, else that for all."""
        texts = self._world.texts
        return {name: texts.get(f"{name}/{self._language(call)}") or texts.get(f"{name}/", "")}

    def set_chat_menu_button(self, call: Arguments) -> bool:
        """MenuButton: `commands`, `default`, or `web_app` with a text and an HTTPS URL."""
        button = call.structure("menu_button", dict, "menu button") or {"type": "default"}
        if button.get("type") not in {"commands", "default", "web_app"}:
            raise bad("can't parse menu button: MenuButton has unsupported type")
        if button["type"] == "web_app":
            if not button.get("text") or not isinstance(button.get("web_app"), dict):
                raise bad("can't parse menu button: Can't find field \"web_app\"")
            text.web_app(self._world, button["web_app"])
        if "chat_id" in call:
            chat = self._world.chat(call.text("chat_id"), to_write=False)
            if chat.type != "private":
                raise bad("chat_id must be a private chat")
            chat.menu_button = button
        else:
            self._world.menu_button = button
        return True

    def get_chat_menu_button(self, call: Arguments) -> dict[str, Any]:
        if "chat_id" not in call:
            return self._world.menu_button
        chat = self._world.chat(call.text("chat_id"), to_write=False)
        return chat.menu_button or self._world.menu_button
