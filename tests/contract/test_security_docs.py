"""What the documents promise is shown by tests that exist; what they name exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECURITY = ROOT / "docs" / "security.md"
DOCUMENTS = [
    ROOT / "docs" / name
    for name in (
        *("security.md", "operations.md", "deployment.md", "uploads.md", "moderation.md"),
        *("providers/openai.md", "providers/replicate.md"),
        *("providers/fal.md", "providers/bedrock.md", "providers/comfyui.md"),
        *("providers/diffusers.md", "providers/README.md"),
        *("operators/sharing.md", "operators/stripe.md", "operators/reconciliation.md"),
    )
]
THREATS = {*range(1, 37), 39, 40}
"""Those of the list of threats that are no matter of the log and of its readers."""
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| ?(.*?) ?\|$", re.MULTILINE)
SETTING = re.compile(
    r"`((?:PIXELPOP|KAFKA|S3|AWS|OIDC|TELEGRAM|JWT|OPENAI|REPLICATE|FAL|BEDROCK|COMFYUI|DIFFUSERS|REDIS|STRIPE|DATABASE|CLAMAV)_[A-Z_]+)`"
)
OF_COMPOSE = re.compile(r"\$\{([A-Z0-9_]+)[:?}-]")
"""Variables that docker-compose.yml reads itself, and hands on under another name."""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _tests(path: str) -> set[str]:
    tree = ast.parse(_text(ROOT / path))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def _settings() -> dict[str, str]:
    return dict(re.findall(r"^#([A-Z0-9_]+)=(.*)$", _text(ROOT / ".env.example"), re.MULTILINE))


def test_every_threat_is_answered() -> None:
    """Each threat has one row, which names a test or says by a mark that there is none yet."""
    rows = {int(number): rest for number, *rest in ROW.findall(_text(SECURITY))}
    assert set(rows) == THREATS
    for number, (_, promised, shown) in rows.items():
        if f"<!-- {number} -->" in promised:
            assert "nothing is promised yet" in promised
        else:
            assert TEST.search(shown), f"threat {number} names no test"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_is_named_exists(path: Path) -> None:
    """A promise is shown by a function of a file that is there."""
    missing = [
        f"{file}::{name}"
        for file, name in TEST.findall(_text(path))
        if not (ROOT / file).is_file() or name not in _tests(file)
    ]
    assert missing == []


def test_promises_name_tests() -> None:
    """Every row below a head that ends in `shown by` names a test."""
    bare, table = [], False
    for line in _text(SECURITY).splitlines():
        table = line.startswith("|") and (table or line.endswith("shown by |"))
        head = line.endswith("shown by |") or line.startswith("| ---")
        if table and not head and not TEST.search(line) and "nothing is promised yet" not in line:
            bare.append(line)
    assert bare == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    """A setting that a document names can be set."""
    known = set(_settings()) | set(OF_COMPOSE.findall(_text(ROOT / "docker-compose.yml")))
    assert sorted(set(SETTING.findall(_text(path))) - known) == []


def test_defaults_are_the_real_ones() -> None:
    """Where the document shows a default, it is the one that holds."""
    shown = re.findall(r"^\| `([A-Z0-9_]+)` \| (\S+) \|", _text(SECURITY), re.MULTILINE)
    assert len(shown) > 10
    settings = _settings()
    assert {name: settings[name] for name, _ in shown} == dict(shown)


@pytest.mark.parametrize("path", [*DOCUMENTS, ROOT / "SECURITY.md"], ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """A link inside the project leads to a file, and to a heading of it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", _text(path)):
        if "://" in target:
            continue
        file, _, heading = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        if heading:
            heads = re.findall(r"^#+ (.+)$", _text(found), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in heads}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_is_named_exists(path: Path) -> None:
    """A `pixelpop` command that a document shows can be run."""
    import pixelpop

    groups = ("keys", "dlq", "projections", "schemas")
    for words in re.findall(r"(?<![\w/-])pixelpop ((?:[a-z][a-z-]*)(?: [a-z]+)?)", _text(path)):
        first, _, second = words.partition(" ")
        app = pixelpop.app
        assert first in app, words
        if first in groups and second:
            assert second in app[first], words
