"""`.env.example`, written from the settings themselves.

`python -m runtime.settings_docs` writes it; a test compares it with the file.
"""

from __future__ import annotations

import textwrap
import types
import typing
from pathlib import Path
from typing import Any

import msgspec

from runtime.settings import Settings, variables

_WIDTH = 98
_HEAD = """\
Every setting of Pixelpop, made from runtime/settings/ by `python -m runtime.settings_docs`.

Copy this file to `.env` and take away the `#` before what you change. The environment goes
before `.env`. What is commented out here has the value that is shown; what stands without a
value is unset. Pixelpop needs none of these for `make run`.
"""


def env_example() -> str:
    """The text of `.env.example`."""
    blocks = [textwrap.indent(_HEAD, "# ", lambda _: True).replace("# \n", "#\n").rstrip()]
    hints = typing.get_type_hints(Settings)
    for env, field, about in variables():
        lines = textwrap.wrap(f"{about.description}{_facts(hints[field.name], about)}", _WIDTH - 2)
        default = "" if field.default is None else _as_variable(field.default)
        blocks.append("\n".join([*(f"# {line}" for line in lines), f"#{env}={default}"]))
    return "\n\n".join(blocks) + "\n"


def _facts(hint: Any, about: msgspec.Meta) -> str:
    extra = about.extra or {}
    facts = []
    if extra.get("unit"):
        facts.append(f"unit {extra['unit']}")
    facts += [
        f"{words} {bound}"
        for words, bound in (
            ("more than", about.gt),
            ("at least", about.ge),
            ("less than", about.lt),
            ("at most", about.le),
        )
        if bound is not None
    ]
    choices = _choices(hint)
    if choices:
        facts.append(f"one of {', '.join(choices)}")
    if extra.get("secret"):
        facts.append("secret")
    return f" ({'; '.join(facts)})" if facts else ""


def _choices(hint: Any) -> list[str]:
    if typing.get_origin(hint) is typing.Literal:
        return [str(choice) for choice in typing.get_args(hint)]
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return [choice for one in typing.get_args(hint) for choice in _choices(one)]
    return []


def _as_variable(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.as_posix() if isinstance(value, Path) else str(value)


if __name__ == "__main__":
    Path(".env.example").write_text(env_example(), encoding="utf-8")
