"""fal's keys: where they come from, how long they are kept, and when they are asked for again."""

from __future__ import annotations

import json
from ipaddress import ip_address

import pytest
from hypothesis import assume, given
from hypothesis.strategies import DataObject, binary, data, integers, sampled_from

from gateway.providers import fal_keys
from gateway.providers.fal_keys import ADDRESS, FalKeys, KeysUnavailable, keys_in, policy
from gateway.providers.fal_signature import signed_in
from runtime.outbound.addresses import AddressPolicy, networks_in
from runtime.settings import variables
from runtime.standard_webhooks import NotGenuine
from tests.fakes.fal import Fal
from tests.fakes.fal_signing import Signer

MINUTE, DAY = 60.0, 86_400.0


class World:
    """Keys, a clock, and how often they were fetched."""

    def __init__(self) -> None:
        self.signer = Signer()
        self.now = 0.0
        self.fetched = 0
        self.is_away = False
        self.keys = FalKeys(self.fetch, lambda: self.now)

    async def fetch(self) -> bytes:
        self.fetched += 1
        if self.is_away:
            raise KeysUnavailable("away")
        return json.dumps(self.signer.key_set()).encode()

    async def takes(self) -> bool:
        body = b"{}"
        headers = [
            (name.encode(), value.encode()) for name, value in self.signer.signed(body, 9).items()
        ]
        signed = signed_in(headers, body, 9)
        return signed.is_by(await self.keys.current()) or signed.is_by(await self.keys.newer())


@pytest.fixture
def world() -> World:
    return World()


async def test_kept(world: World) -> None:
    """They are fetched once, however many messages come, and again after half a day."""
    assert all([await world.takes() for _ in range(9)])
    assert world.fetched == 1
    world.now += DAY / 2
    assert await world.takes()
    assert world.fetched == 2


async def test_26_rotation(world: World) -> None:
    """Threat 26: a new key counts at once; one that is published no more, no longer."""
    assert await world.takes()
    old = Signer()
    old.keys = list(world.signer.keys)
    world.now += MINUTE
    world.signer.rotate(keep=False)
    assert await world.takes()
    world.signer, rotated = old, world.signer
    assert rotated.keys != old.keys
    signed = [(k.encode(), v.encode()) for k, v in old.signed(b"{}", 9).items()]
    assert not signed_in(signed, b"{}", 9).is_by(await world.keys.current())


async def test_not_flooded(world: World) -> None:
    """Wrong signatures make them be fetched once a minute, not once each."""
    await world.takes()
    world.now += MINUTE
    for _ in range(9):
        await world.keys.newer()
    assert world.fetched == 2


async def test_away(world: World) -> None:
    """While they cannot be fetched the old ones count for a day, and then none."""
    assert await world.takes()
    world.is_away = True
    world.now += DAY / 2
    assert await world.takes()
    world.now += DAY / 2
    with pytest.raises(KeysUnavailable):
        await world.takes()
    world.is_away = False
    world.now += MINUTE
    assert await world.takes()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"keys": []}',
        b'{"keys": [7]}',
        b'{"keys": [{"kty": "RSA", "x": "AAAA"}]}',
        b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]}',
        '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "é"}]}'.encode(),
    ],
)
def test_no_keys(text: bytes) -> None:
    """What is no key set, or holds no key of the right kind, is none."""
    with pytest.raises(KeysUnavailable):
        keys_in(text)


def test_26_no_setting_names_it() -> None:
    """Threat 26: the address is a constant, https and fal's, and leads to public places only."""
    assert ADDRESS.startswith("https://rest.fal.ai/")
    about = [text.description or "" for env, _, text in variables() if env.startswith("FAL_")]
    assert about
    assert not any("key set" in one.lower() or "jwks" in one.lower() for one in about)
    for inside in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"):
        assert not policy().allows(ip_address(inside))


async def test_26_redirects_and_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threat 26: a redirect is not followed, and no proxy of the environment is asked."""
    right, wrong = Fal(), Fal()
    await right.start()
    await wrong.start()
    networks = networks_in("127.0.0.1/32", "")
    monkeypatch.setattr(fal_keys, "policy", lambda: AddressPolicy(networks))
    monkeypatch.setattr(fal_keys, "ADDRESS", f"{right.base_url}/.well-known/jwks.json")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, wrong.base_url)
    assert keys_in(await fal_keys.fetched()) == keys_in(json.dumps(right.signer.key_set()).encode())
    right.keys_redirect = f"{wrong.base_url}/.well-known/jwks.json"
    with pytest.raises(KeysUnavailable):
        await fal_keys.fetched()
    await right.stop()
    await wrong.stop()
    assert (right.keys_asked, wrong.keys_asked) == (2, 0)


@given(data())
def test_26_mutated(drawn: DataObject) -> None:
    """Threat 26: whatever one changes about a signed message, no key has signed that."""
    signer = Signer()
    body = b'{"request_id": "x"}'
    parts = {name: text.encode() for name, text in signer.signed(body, 9).items()} | {"": body}
    where = drawn.draw(sampled_from([name for name in parts if name != "content-type"]))
    before = parts[where]
    at = drawn.draw(integers(0, len(before) - 1))
    parts[where] = before[:at] + drawn.draw(binary(max_size=3)) + before[at + 1 :]
    assume(parts[where].lower() != before.lower())  # hexadecimal is the same in both cases
    body = parts.pop("")
    try:
        signed = signed_in([(name.encode(), value) for name, value in parts.items()], body, 9)
    except NotGenuine:
        return
    assert not signed.is_by([key.verify_key for key in signer.keys])
