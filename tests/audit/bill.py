"""The bill of materials: what is shipped, as CycloneDX 1.6."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from tests.audit.licences import Package, Rules
from tests.audit.lock import ROOT_NAME, Locked

VERSION = SchemaVersion.V1_6
"""What the tools that read bills understand by now."""


def bill(project: Path, packages: list[Locked], installed: Mapping[str, Package], by: Rules) -> str:
    """Write the bill of a lock: the same bytes for the same lock and licences.

    Args:
        project: `pyproject.toml`, for our own name, version and description.
        packages: the lock's.
        installed: where the licences are known from.
        by: what is known better than the packages' metadata.
    """
    ours = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    root = Component(
        name=ours["name"],
        version=ours["version"],
        description=ours["description"],
        type=ComponentType.APPLICATION,
        bom_ref=ROOT_NAME.split()[0],
    )
    # One name may be there in several versions, each for other platforms.
    parts = {one: _component(one, installed.get(one.name), by) for one in packages}
    bom = Bom(components=parts.values())
    bom.metadata.component = root
    bom.register_dependency(root, _wanted(parts, ROOT_NAME))
    for locked, part in parts.items():
        bom.register_dependency(part, _wanted(parts, locked.name))
    text = make_outputter(bom, OutputFormat.JSON, VERSION).output_as_string(indent=2)
    return _reproducible(text)


def _wanted(parts: Mapping[Locked, Component], by: str) -> list[Component]:
    return [part for locked, part in parts.items() if by in locked.wanted_by]


def _component(locked: Locked, package: Package | None, by: Rules) -> Component:
    purl = PackageURL("pypi", name=locked.name, version=locked.version)
    # What is installed tells the licence of its other versions too.
    known = by.exceptions.get(locked.name, {}).get("licence") or (package and package.licence)
    return Component(
        name=locked.name,
        version=locked.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        licenses=[LicenseFactory().make_from_string(known)] if known else None,
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(purl.to_string()),
                comment="the files of this version that may be installed",
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in locked.hashes],
            )
        ],
    )


def _reproducible(text: str) -> str:
    """Leave out when it was written and a random number."""
    said = json.loads(text)
    said.pop("serialNumber", None)
    said["metadata"].pop("timestamp", None)
    return json.dumps(said, indent=2, sort_keys=True) + "\n"


def problem(text: str) -> str | None:
    """What CycloneDX's own schema, strictly, has against a bill."""
    error = JsonStrictValidator(VERSION).validate_str(text)
    return None if error is None else str(error.data)
