"""A whole Pixelpop in which every secret is known to the test, and a place to look for them."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec
import psutil
from aiohttp import web

from runtime import registry, secrets
from runtime.kafka.consumer import PartitionReader, beginning_offsets, end_offsets
from runtime.ports import free_port
from runtime.settings import Settings, to_environment, variables
from runtime.waiting import until

ROOT = Path(__file__).parents[3]
START_SECONDS = 60.0
STOP_SECONDS = 30.0
READ_SECONDS = 20.0


class Canaries:
    """Secrets by name, and what was written anywhere by place."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.places: dict[str, bytes] = {}

    def write(self, place: str, text: str | bytes) -> None:
        """Remember what was said somewhere."""
        told = text if isinstance(text, bytes) else text.encode()
        self.places[place] = self.places.get(place, b"") + told + b"\n"

    def found(self) -> list[str]:
        """Which secret stands where, as it is or encoded; never the secret itself."""
        return [
            f"{name} in {place}"
            for name, secret in self.secrets.items()
            for place, text in self.places.items()
            if any(form in text for form in _forms(secret))
        ]


def _forms(secret: str) -> set[bytes]:
    """How a secret may look: itself, in a URL, in JSON, in hex, in Base64 wherever it begins."""
    raw = secret.encode()
    forms = {raw, quote(secret, safe="").encode(), raw.hex().encode()}
    forms.add(msgspec.json.encode(secret)[1:-1])
    for shift in range(3):
        encoded = base64.b64encode(b"." * shift + raw)
        # Without the characters that its neighbours change.
        core = encoded[(0, 2, 3)[shift] :].rstrip(b"=")[:-1]
        forms |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
    return forms


def planted(settings: Settings, provider_url: str) -> Settings:
    """The session's servers, with a value of its own for every secret there is."""
    return msgspec.structs.replace(
        settings,
        embedded=False,
        port=free_port(),
        jwt_secret=secrets.make_text(),
        jwt_other_secrets=f"{secrets.make_text()},{secrets.make_text()}",
        master_key=secrets.make_master_key(),
        other_master_keys=secrets.make_master_key(),
        marks_key=secrets.make_master_key(),
        telegram_bot_token=secrets.make_bot_token(),
        telegram_webhook_secret=f"{secrets.make_text()},{secrets.make_text()}",
        kafka_sasl_password=secrets.make_password(),
        openai_api_key=f"sk-{secrets.make_text()}",
        openai_base_url=f"{provider_url}/v1",
        replicate_api_token=f"r8_{secrets.make_text()}",
        replicate_base_url=f"{provider_url}/v1",
        replicate_webhook_secrets=f"whsec_{secrets.make_master_key()}",
        bedrock_access_key_id="AKIAPLANTED",
        bedrock_secret_access_key=secrets.make_text(),
        comfyui_token=secrets.make_text(),
        fal_key=f"{secrets.make_text()}:{secrets.make_text()}",
        fal_base_url=provider_url,
        stripe_secret_key=f"sk_test_{secrets.make_text()}",
        stripe_webhook_secret=f"whsec_{secrets.make_text()},whsec_{secrets.make_text()}",
        stripe_api_base=provider_url,
        oidc_issuer=provider_url,
        oidc_client_id="pixelpop",
        oidc_client_secret=secrets.make_text(),
        oidc_redirect_uri="https://app.example/back",
        # Nobody listens there: every gateway counts for itself, and says that it does.
        redis_url=f"redis://:{secrets.make_password()}@127.0.0.1:{free_port()}/0",
        redis_timeout_seconds=0.2,
        provider_attempts=1,
        moderation_aws_secret_access_key=secrets.make_password(),
    )


def secrets_of(settings: Settings) -> dict[str, str]:
    """Every secret that a setting holds: lists one by one, addresses without what is public."""
    found = {}
    for env, field, about in variables():
        if (about.extra or {}).get("secret"):
            value = getattr(settings, field.name)
            assert value, f"{env} is a secret setting without a planted value"
            for number, one in enumerate(str(value).split(",")):
                found[f"{env} {number}"] = urlsplit(one).password or one if "://" in one else one
    return found


@asynccontextmanager
async def echoing(refused: list[str]) -> AsyncIterator[str]:
    """A provider and issuer that refuses everybody and shows the credentials that it was given.

    Args:
        refused: gets the paths at which it did.
    """

    async def refuse(request: web.Request) -> web.Response:
        refused.append(request.path)
        said = f"invalid credentials {request.headers.get('Authorization')} {await request.text()}"
        problem = {"error": {"code": "invalid_api_key", "type": "auth", "message": said}}
        return web.json_response(problem, status=401)

    async def describe(request: web.Request) -> web.Response:
        here = f"http://{request.host}"
        return web.json_response(
            {
                "issuer": here,
                "authorization_endpoint": f"{here}/authorize",
                "token_endpoint": f"{here}/token",
                "jwks_uri": f"{here}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", describe)
    app.router.add_route("*", "/{anywhere:.*}", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", free_port())
        await site.start()
        yield str(site.name)
    finally:
        await runner.cleanup()


class Running:
    """`pixelpop up` with the real processes."""

    def __init__(self, settings: Settings, canaries: Canaries) -> None:
        self.settings = settings
        self.canaries = canaries
        self.environment = _environment(settings)
        self.logins: dict[str, str] = {}
        """Each process's own DATABASE_URL."""
        self._output = bytearray()

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """Started and ready; ended, and its output noted, at the end."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-m", "pixelpop", "up"),
            cwd=ROOT,
            env=self.environment,
            stdout=PIPE,
            stderr=STDOUT,
        )

        async def read() -> None:
            assert process.stdout is not None
            while chunk := await process.stdout.read(65536):
                self._output.extend(chunk)

        reading = asyncio.create_task(read())

        def ready() -> bool:
            assert process.returncode is None, self._output.decode()[-3000:]
            return b"Pixelpop is ready" in self._output

        try:
            await until(ready, START_SECONDS, every_seconds=0.1, what="pixelpop up")
            yield
        finally:
            if process.returncode is None:
                process.terminate()
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
                await reading
            self.canaries.write("logs", bytes(self._output))

    def look_at_processes(self) -> None:
        """Note every command line, and the logins' passwords that `up` has made."""
        for name, entry in registry.read(self.settings.data_dir).items():
            process = psutil.Process(entry.pid)
            self.canaries.write("command lines", "\0".join(process.cmdline()))
            own = process.environ().get("DATABASE_URL")
            password = urlsplit(own).password if own else None
            if own and password:
                self.logins[name] = own
                self.canaries.secrets[f"database password of {name}"] = password

    async def command(self, *arguments: str, **changes: str) -> int:
        """Run a `pixelpop` command, with some variables changed; notes what it says."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pixelpop", *arguments),
            cwd=ROOT,
            env={**self.environment, **changes},
            stdout=PIPE,
            stderr=STDOUT,
        )
        async with asyncio.timeout(START_SECONDS):
            said, _ = await process.communicate()
        place = f"pixelpop {' '.join(arguments)} {' '.join(changes)}"
        assert said or process.returncode == 0, place
        self.canaries.write(place, said)
        assert process.returncode is not None
        return process.returncode


def _environment(settings: Settings) -> dict[str, str]:
    ours = {variable for variable, _, _ in variables()}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return {**inherited, **to_environment(settings)}


async def read_topics(settings: Settings, topics: list[str], canaries: Canaries) -> int:
    """Note every record of these topics, headers too; how many there were."""
    pairs = [(topic, part) for topic in topics for part in range(settings.kafka_partitions)]
    ends = await end_offsets(settings, pairs)
    starts = await beginning_offsets(settings, pairs)
    reader = PartitionReader(
        settings, {(tp.topic, tp.partition): at for tp, at in starts.items()}, name="test"
    )
    await reader.start()
    count = 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            while any(
                (reader.position(tp.topic, tp.partition) or starts[tp]) < end
                for tp, end in ends.items()
            ):
                for records in (await reader.get()).values():
                    for record in records:
                        count += 1
                        said = [record.key, record.value, *(value for _, value in record.headers)]
                        canaries.write(record.topic, b" ".join(part or b"" for part in said))
    finally:
        await reader.stop()
    return count
