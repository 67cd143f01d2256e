"""Settings: what is wrong is named, what is secret is hidden, what is set survives."""

from __future__ import annotations

import base64
import typing
from pathlib import Path

import msgspec
import pytest

from runtime.errors import SettingsError
from runtime.settings import Settings, load, to_environment, variables
from runtime.settings_docs import env_example

HINTS = typing.get_type_hints(Settings)
SECRETS = [env for env, _, about in variables() if (about.extra or {}).get("secret")]


def another(field: msgspec.inspect.Field) -> object:
    """A valid value that is not the default."""
    hint = HINTS[field.name]
    options = [one for one in typing.get_args(hint) if one is not type(None)]
    if typing.get_origin(hint) is typing.Literal:
        return next(one for one in options if one != field.default)
    kind = options[0] if options else hint
    known: dict[str, object] = {
        "master_key": base64.b64encode(b"k" * 32).decode(),
        "marks_key": base64.b64encode(b"m" * 32).decode(),
        "jwt_secret": "j" * 40,
        "clamav_address": "127.0.0.1:3310",
        "oidc_issuer": "https://issuer.example",
        "slot": "slot-7",
        "telegram_api_base": "http://127.0.0.1:8081",
        "stripe_api_base": "http://127.0.0.1:8082",
        "stripe_webhook_secret": "whsec_" + "s" * 16,
        "replicate_edit_model": "somebody/something",
        "replicate_model": "somebody/something",
        "diffusers_device": "cuda:1",
        "comfyui_url": "http://127.0.0.1:8188",
        "bedrock_region": "eu-west-1",
        "bedrock_titan_model": "amazon.titan-image-generator-v2:0",
        "bedrock_sdxl_model": "stability.stable-diffusion-xl-v1",
        "fal_base_url": "http://127.0.0.1:8083",
        "fal_model": "somebody/something/fast",
        "fal_edit_model": "somebody/something/edit",
        "fal_mask_model": "somebody/something/mask",
        "fal_variation_model": "somebody/something/again",
        "terms_url": "https://pixelpop.example/terms",
        "privacy_url": "https://pixelpop.example/privacy",
        "cdn_url": "https://cdn.example",
        "c2pa_timestamp_url": "https://time.example",
        "openai_partial_images": 3,
        "budget_usd_a_day": 100,
        "budget_usd_by_provider": "openai=50,fal=20",
        "provider_concurrency": "openai=20,fal=2",
        "provider_per_minute": "openai=20",
        "s3_server_side_encryption": "aws:kms",
    }
    if field.name in known:
        return known[field.name]
    if kind is bool:
        return not field.default
    if kind is int:
        return int(field.default) + 1 if _fits(field.name, int(field.default) + 1) else 1
    if kind is float:
        return float(field.default) + 0.5
    return Path("some/where") if kind is Path else "some-text"


def _fits(name: str, value: object) -> bool:
    try:
        msgspec.convert({name: value}, Settings, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def test_defaults() -> None:
    """Without any variable there are settings, with nothing outside configured."""
    settings = load({})
    assert settings == Settings()
    assert (settings.database_url, settings.kafka_bootstrap_servers) == (None, None)


@pytest.mark.parametrize("env", [env for env, _, _ in variables()])
def test_round_trip(env: str) -> None:
    """Each setting, set to another value, reaches a child process by its environment."""
    field = next(field for name, field, _ in variables() if name == env)
    settings = Settings(**{field.name: another(field)})
    assert settings != Settings()
    environment = to_environment(settings)
    assert list(environment) == [env]
    assert load(environment) == settings


def test_round_trip_of_all_at_once() -> None:
    """All settings together reach a child process."""
    settings = Settings(**{field.name: another(field) for _, field, _ in variables()})
    assert load(to_environment(settings)) == settings


def test_unknown_variable_is_named_with_the_likely_one() -> None:
    """A misspelt variable stops the start and the message offers the right one."""
    with pytest.raises(SettingsError, match=r"PIXELPOP_PROT .*Did you mean PIXELPOP_PORT\?"):
        load({"PIXELPOP_PROT": "1"})


def test_prefix_that_is_too_much_is_named() -> None:
    """A variable that is another's name with our prefix is answered with that name."""
    with pytest.raises(SettingsError, match=r"Did you mean KAFKA_BOOTSTRAP_SERVERS\?"):
        load({"PIXELPOP_KAFKA_BOOTSTRAP_SERVERS": "x:9092"})


def test_unknown_variable_without_a_likely_one() -> None:
    """A variable like no other is named, with where all of them are listed."""
    with pytest.raises(SettingsError, match=r"PIXELPOP_XYZZY .*\.env\.example"):
        load({"PIXELPOP_XYZZY": "1"})


def test_variables_of_others_are_let_be() -> None:
    """Only variables that begin like ours are checked, and the tests' own are not."""
    assert load({"PATH": "/bin", "PIXELPOP_TEST_SERVERS": "containers"}) == Settings()


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ("PIXELPOP_PORT", "65536"),
        ("PIXELPOP_PORT", "-1"),
        ("PIXELPOP_PORT", "eighty"),
        ("PIXELPOP_SLOT", "Not A Slot"),
        ("PIXELPOP_EMBEDDED", "perhaps"),
        ("PIXELPOP_LOG_FORMAT", "xml"),
        ("PIXELPOP_LOCAL_LATENCY_SECONDS", "nan"),
        ("PIXELPOP_LOCAL_LATENCY_SECONDS", "-1"),
        ("KAFKA_SECURITY_PROTOCOL", "TELNET"),
    ],
)
def test_bad_value_is_named(env: str, text: str) -> None:
    """A value that cannot be used stops the start; the message has variable and value."""
    with pytest.raises(SettingsError) as error:
        load({env: text})
    assert str(error.value).startswith(f"{env} is '{text}', which cannot be used: ")


def test_empty_is_unset() -> None:
    """An empty variable is as good as none."""
    assert load({"DATABASE_URL": "", "PIXELPOP_PORT": ""}) == Settings()


@pytest.mark.parametrize("env", ["JWT_SECRET", "PIXELPOP_MASTER_KEY"])
def test_bad_secret_is_not_repeated(env: str) -> None:
    """A secret that cannot be used is named but not shown."""
    with pytest.raises(SettingsError, match=env) as error:
        load({env: "s3cr3t"})
    assert "s3cr3t" not in str(error.value)


@pytest.mark.parametrize("env", SECRETS)
def test_secret_is_not_shown(env: str) -> None:
    """The representation of settings says that a secret is set and not which."""
    field = next(field for name, field, _ in variables() if name == env)
    value = str(another(field))
    shown = repr(Settings(**{field.name: value}))
    assert f"{env}=(hidden)" in shown
    assert value not in shown


@pytest.mark.parametrize("env", ["DATABASE_URL", "REDIS_URL"])
@pytest.mark.parametrize("password", ["hush#hush", "hush/hush", "hush?hush", "[hush"])
def test_a_password_that_breaks_its_address_is_not_repeated(env: str, password: str) -> None:
    """It would be read as a port, and shown by whoever finds that it is none."""
    address = f"redis://somebody:{password}@db.example:5432/name"
    with pytest.raises(SettingsError, match=env) as refused:
        load({env: address})
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:p%23w@db.example:5432/name",
        "postgresql://u:p:w@a.example:5432,b.example:5433/name",
        "postgresql://u:p@w@[::1]:5432/name",
        "postgresql:///name?host=/run/postgresql",
        "postgresql://u@%2Frun%2Fpostgresql/name",
        "unix:///run/redis.sock",
    ],
)
def test_addresses_that_can_be_read_are_taken(address: str) -> None:
    """Several hosts, sockets, IPv6: whatever the driver takes."""
    assert load({"DATABASE_URL": address}).database_url == address


def test_names_that_sound_secret_are_secret() -> None:
    """No setting whose name speaks of a key, token, secret or password is shown."""
    for env, _, about in variables():
        if env.endswith(("_SECRET", "_PASSWORD", "_TOKEN", "_KEY")):
            assert (about.extra or {}).get("secret"), env


def test_environment_goes_before_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.env` file is read, and the environment overrides it."""
    for env, _, _ in variables():
        monkeypatch.delenv(env, raising=False)
    file = tmp_path / ".env"
    file.write_text("PIXELPOP_PORT=1234\nPIXELPOP_HOST=0.0.0.0\n")
    monkeypatch.setenv("PIXELPOP_HOST", "::1")
    settings = load(dotenv=file)
    assert (settings.port, settings.host) == (1234, "::1")


def test_every_setting_is_described() -> None:
    """Each setting says what it means, in a sentence, and time or size has its unit."""
    for env, field, about in variables():
        assert about.description, env
        assert about.description.endswith("."), env
        if field.name.endswith(("_seconds", "_bytes", "_ms")):
            assert (about.extra or {}).get("unit"), env


def test_env_example_is_current() -> None:
    """`.env.example` is what the settings say: `python -m runtime.settings_docs` makes it."""
    file = Path(__file__).parents[2] / ".env.example"
    assert file.read_text() == env_example()


def test_env_example_loads_as_the_defaults() -> None:
    """With every line of `.env.example` switched on the settings are the defaults."""
    lines = [line[1:] for line in env_example().splitlines() if line[:1] == "#" and "=" in line]
    given = dict(line.split("=", 1) for line in lines if not line.startswith(" "))
    assert set(given) == {env for env, _, _ in variables()}
    assert load(given) == Settings()
