"""All settings together: read from the environment, and handed on to children.

A setting is a field of `Settings`; its variable is `PIXELPOP_<FIELD>` unless `env` names another.
`load()` reads the environment (and a `.env` file beside the project, which the environment
overrides) once per process. An unknown `PIXELPOP_*` variable and a value out of bounds both stop
the start with a sentence that names the variable.
"""

from __future__ import annotations

import difflib
import functools
import os
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values
from msgspec import Meta

from runtime.errors import SettingsError
from runtime.settings.limits import ProviderLimits

PREFIX = "PIXELPOP_"


class Settings(ProviderLimits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of all processes; a process reads the ones it needs."""

    def __repr__(self) -> str:
        """Name only what differs from the defaults, and no secret's value."""
        shown = []
        for env, field, about in variables():
            value = getattr(self, field.name)
            if value != field.default:
                secret = (about.extra or {}).get("secret")
                shown.append(f"{env}={'(hidden)' if secret else value}")
        return f"Settings({', '.join(shown)})"


@functools.cache
def variables() -> Sequence[tuple[str, msgspec.inspect.Field, Meta]]:
    """Every setting as (environment variable, field, its description)."""
    hints = msgspec.inspect.type_info(Settings)
    assert isinstance(hints, msgspec.inspect.StructType)
    annotations = _annotations()
    found = []
    for field in hints.fields:
        about = annotations[field.name]
        env = (about.extra or {}).get("env") or PREFIX + field.name.upper()
        found.append((env, field, about))
    return tuple(found)


def _annotations() -> dict[str, Meta]:
    hints = typing.get_type_hints(Settings, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


def load(environ: Mapping[str, str] | None = None, *, dotenv: Path | None = None) -> Settings:
    """Read all settings.

    Raises:
        SettingsError: a variable is unknown or its value cannot be used; the message names it.
    """
    values: dict[str, str] = {}
    if environ is None:
        path = dotenv or Path(".env")
        if path.exists():
            values |= {key: value or "" for key, value in dotenv_values(path).items()}
        values |= os.environ
    else:
        values |= environ
    fields = {env: field for env, field, _ in variables()}
    _refuse_unknown(values, fields)
    given = {env: values[env] for env in fields if values.get(env, "") != ""}
    chosen: dict[str, Any] = {}
    for env, text in given.items():
        field = fields[env]
        try:
            one = msgspec.convert({field.name: text}, Settings, strict=False, dec_hook=_decode)
        except msgspec.ValidationError as error:
            reason = str(error).split(" - at ")[0]
            secret = (_annotations()[field.name].extra or {}).get("secret")
            shown = "(hidden)" if secret else repr(text)
            raise SettingsError(f"{env} is {shown}, which cannot be used: {reason}.") from error
        if (_annotations()[field.name].extra or {}).get("secret") and not _is_readable(text):
            raise SettingsError(
                f"{env} is (hidden), which cannot be read as an address: write the characters "
                "/ ? # [ ] @ : of its password as %2F %3F %23 %5B %5D %40 %3A."
            )
        chosen[field.name] = getattr(one, field.name)
    return Settings(**chosen)


def _is_readable(text: str) -> bool:
    """Whether an address, if it is one, has a port where a port must be.

    A password with a `#` or a `/` in it ends up there, and whoever reads the address then says so
    in its error, with the password.
    """
    scheme, mark, _ = text.partition("://")
    if not mark or not scheme.isidentifier():
        return True
    try:
        hosts = urlsplit(text).netloc.rpartition("@")[2].split(",")
    except ValueError:
        return False
    ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts]
    return all(not port or (port.isascii() and port.isdigit()) for port in ports)


def _decode(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value).expanduser()
    raise NotImplementedError(kind)


def _refuse_unknown(values: Mapping[str, str], known: Mapping[str, object]) -> None:
    for name in sorted(values):
        if name.startswith(PREFIX) and name not in known and not name.startswith("PIXELPOP_TEST_"):
            # Without the prefix, which alone makes all of them look alike.
            short = {one.removeprefix(PREFIX): one for one in known}
            close = difflib.get_close_matches(name.removeprefix(PREFIX), short, n=1)
            hint = " See .env.example for all settings."
            if close:
                hint = f" Did you mean {short[close[0]]}?"
            raise SettingsError(f"{name} is not a setting of Pixelpop.{hint}")


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables that make a child process load equal settings; defaults are left out."""
    environment: dict[str, str] = {}
    for env, field, _ in variables():
        value = getattr(settings, field.name)
        if value != field.default:
            environment[env] = str(value).lower() if isinstance(value, bool) else str(value)
    return environment
