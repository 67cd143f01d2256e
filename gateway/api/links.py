"""Links of the contract: which operations take what an answer names (OpenAPI 3.1, "Link Object").

Made of what each contract `gives`: every operation whose path is wholly known from an answer, and
from the path that was asked, is linked to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gateway.api.contract import Contract

_PARAMETER = re.compile(r"\{(?P<name>\w+)(?::\w+)?\}")


def add_links(
    paths: dict[str, dict[str, Any]], contracts: Sequence[tuple[str, str, Contract]]
) -> None:
    """Put links into the answers of operations that give something away.

    Args:
        paths: the contract's, as they are shown.
        contracts: path, method and contract of each operation.
    """
    for path, method, one in contracts:
        links = _links(path, one, contracts)
        if not links:
            continue
        answers = paths[_PARAMETER.sub(r"{\g<name>}", path)][method]["responses"]
        for status, answer in one.answers.items():
            if answer is not None:
                answers[str(status)]["links"] = links


def _links(
    path: str, one: Contract, contracts: Sequence[tuple[str, str, Contract]]
) -> dict[str, Any]:
    given = {name: f"$response.body#{pointer}" for name, pointer in one.gives.items()}
    known = {name: f"$request.path.{name}" for name in _PARAMETER.findall(path)} | given
    links = {}
    for other_path, _, other in contracts:
        wanted = _PARAMETER.findall(other_path)
        if not given.keys().isdisjoint(wanted) and known.keys() >= set(wanted):
            links[other.name] = {
                "operationId": other.name,
                "parameters": {name: known[name] for name in wanted},
            }
    return links
