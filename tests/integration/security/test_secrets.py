"""Secrets stand in no log, error, event or list of processes: planted ones are looked for there."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
import pytest_asyncio

from events.topics import TOPICS
from gateway.identity.init_data import sign_init_data
from runtime import registry
from runtime.settings import Settings
from runtime.waiting import until
from tests import servers as test_servers
from tests.integration.security.canaries import (
    Canaries,
    Running,
    echoing,
    planted,
    read_topics,
    secrets_of,
)

pytestmark = pytest.mark.timeout(300)  # a whole Pixelpop is started and used first
WAIT_SECONDS = 60.0
"""Members of the groups that other tests left without a word are waited for first."""
SHOWN_ONCE = ("/auth/login", "/api-keys", "/webhooks")
"""What answers with a secret that it makes; each says it that one time and nowhere else."""
REFUSALS = {"oidc-refused", "oidc-unavailable", "oidc-invalid"}
WRONG = "wrong-credential-of-somebody-8d1f0c5e"
TYPO = "typo-in-a-secret-setting-51b7"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def canaries(
    servers: Settings, template_url: str, tmp_path_factory: Any
) -> AsyncIterator[Canaries]:
    """A day in the life of a Pixelpop whose secrets are all known, and all that it said."""
    assert servers.database_url is not None
    database = await test_servers.fresh_database(servers.database_url)
    folder: Path = tmp_path_factory.mktemp("canaries")
    seen = Canaries()
    refused: list[str] = []
    async with echoing(refused) as provider:
        own = msgspec.structs.replace(servers, data_dir=folder, database_url=database.owner_url)
        settings = planted(own, provider)
        seen.secrets |= secrets_of(settings) | {"wrong credential": WRONG, "typo": TYPO}
        running = Running(settings, seen)
        async with running.up():
            await _use(settings, seen)
            running.look_at_processes()
            await _die(running)
            await asyncio.gather(
                running.command("doctor"), running.command("ps"), running.command("ps", "--json")
            )
        await _start_badly(running)
    paths = {
        "/token",
        "/v1/images/generations",
        f"/v1/models/{settings.replicate_model}/predictions",
    }
    assert paths <= {*refused}, refused
    await read_topics(settings, [topic.name for topic in TOPICS], seen)
    yield seen
    await test_servers.drop_database(servers.database_url, database)


async def _tell(ask: Any, settings: Settings) -> None:
    """As Telegram, with each of its secrets, and as somebody else."""
    assert settings.telegram_webhook_secret
    for shown in (*settings.telegram_webhook_secret.split(","), WRONG):
        expected = 401 if shown == WRONG else 200
        headers = {"X-Telegram-Bot-Api-Secret-Token": shown}
        await ask("POST", "/telegram/webhook", expected, json={"update_id": 1}, headers=headers)


async def _use(settings: Settings, seen: Canaries) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}", timeout=30) as http:

        async def ask(method: str, path: str, expected: int | None, **rest: Any) -> Any:
            answer = await http.request(method, path, **rest)
            assert expected in {None, answer.status_code}, f"{method} {path}: {answer.text}"
            if path not in SHOWN_ONCE or expected not in {200, 201}:
                seen.write(f"answer to {method} {path}", f"{answer.headers} {answer.text}")
            return answer.json() if answer.content else None

        assert settings.telegram_bot_token
        init_data = sign_init_data(
            settings.telegram_bot_token, {"id": 4711, "first_name": "Ada"}, int(time.time())
        )
        login = await ask("POST", "/auth/login", 200, json={"init_data": init_data})
        seen.secrets |= {
            "access token": login["access_token"],
            "init data": init_data.partition("hash=")[2].partition("&")[0],
        }
        own = {"headers": {"Authorization": f"Bearer {login['access_token']}"}}
        body = {"name": "shop", "scopes": ["credits:read", "generations:read"]}
        key = await ask("POST", "/api-keys", 201, json=body, **own)
        seen.secrets["api key"] = key["key"]
        used = {"headers": {"Authorization": f"Bearer {key['key']}"}}
        await ask("GET", "/credits", 200, **used)
        await ask("GET", "/me", 403, **used)
        await ask("GET", "/api-keys", 200, **own)
        hook = await ask("POST", "/webhooks", 201, json={"url": "https://example.com/h"}, **own)
        seen.secrets["webhook secret"] = hook["secret"].removeprefix("whsec_")
        await ask("GET", "/webhooks", 200, **own)
        await _be_refused(ask, init_data)
        await _tell(ask, settings)
        for model in ("gpt-image", "flux"):
            await _be_refused_by_the_provider(ask, own, model)


async def _be_refused(ask: Any, init_data: str) -> None:
    """Credentials that are nearly right are as worth hiding as right ones."""
    for data in (init_data[:-1], f"hash={WRONG}", f"{WRONG}=%00&hash=x"):
        await ask("POST", "/auth/login", 401, json={"init_data": data})
    await ask("POST", "/auth/login", 422, json={"init_data": [WRONG], "more": WRONG})
    for scheme in ("Bearer", "Bearer pp_live_", "tma", "Basic", "Bearer a.b."):
        await ask("GET", "/me", 401, headers={"Authorization": f"{scheme} {WRONG}"})
    begun = await ask("POST", "/auth/oidc", 200)
    state = parse_qs(urlsplit(begun["authorization_url"]).query)["state"][0]
    for flow in (begun["flow"], WRONG):
        oidc = {"code": WRONG, "state": state, "flow": flow}
        answer = await ask("POST", "/auth/login", None, json={"oidc": oidc})
        assert answer["type"].rpartition("/")[2] in REFUSALS, answer


async def _be_refused_by_the_provider(ask: Any, own: dict[str, Any], model: str) -> None:
    """The provider answers 401 and echoes the key; the customer is told that it failed."""
    wish = {"kind": "image", "prompt": "a cat", "model": model}
    own = {"headers": own["headers"] | {"Idempotency-Key": f"the-only-{model}"}}
    made = await ask("POST", "/generations", 202, json=wish, **own)

    async def failed() -> bool:
        now = await ask("GET", f"/generations/{made['id']}", 200, **own)
        assert now["status"] != "done", now
        return bool(now["status"] == "failed")

    await until(failed, WAIT_SECONDS, every_seconds=0.1, what="the provider's refusal to be told")


async def _die(running: Running) -> None:
    """A process killed in the middle, and the next one's start."""
    before = registry.read(running.settings.data_dir)["worker"]
    os.kill(before.pid, signal.SIGKILL)

    def back() -> bool:
        entry = registry.read(running.settings.data_dir)["worker"]
        return entry.restarts > before.restarts and bool(entry.pid)

    await until(back, WAIT_SECONDS, every_seconds=0.1, what="the worker to come back")


async def _start_badly(running: Running) -> None:
    """Settings that a start refuses: the secret is wrong, or its server is not there."""
    own = {"DATABASE_URL": running.logins["gateway"]}
    bad = (
        ("ps", {"JWT_SECRET": TYPO}),
        ("ps", {"PIXELPOP_MASTER_KEY": TYPO}),
        ("gateway", own | {"PIXELPOP_OTHER_MASTER_KEYS": TYPO}),
        ("gateway", own | {"REDIS_URL": f"nonsense://:{TYPO}@127.0.0.1"}),
        ("projector", {"DATABASE_URL": f"postgresql://owner:{TYPO}@127.0.0.1:1:1/x"}),
    )
    statuses = await asyncio.gather(
        *(running.command(process, **changes) for process, changes in bad)
    )
    assert all(statuses), statuses


async def test_no_secret_is_anywhere(canaries: Canaries) -> None:
    """No secret setting, login password, token, key or webhook secret is in any log, answer,
    record, command line or message; as it is, or encoded.
    """
    assert canaries.found() == []


async def test_there_was_something_to_find(canaries: Canaries) -> None:
    """The proof can fail: everything was really said, and a secret put into it is found."""
    assert canaries.places.keys() >= {
        "logs",
        "command lines",
        *(topic.name for topic in TOPICS[:2]),
    }
    assert canaries.places["logs"].count(b"\n") > 50
    assert {f"database password of {name}" for name in ("gateway", "worker", "eraser")} <= (
        canaries.secrets.keys()
    )
    for name, secret in list(canaries.secrets.items()):
        probe = Canaries()
        probe.secrets[name] = secret
        for place, text in {
            "plain": secret.encode(),
            "in the middle of base64": base64.b64encode(b"user:" + secret.encode()),
        }.items():
            probe.write(place, text)
        assert len(probe.found()) == 2, name
