"""What operations refuse with: each answer and each example stands in the contract once."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from gateway.api import problem_examples
from gateway.api.headers import LIMIT_HEADERS
from gateway.web.errors import TYPE_PREFIX, sentence
from gateway.web.kinds import KINDS

_EXAMPLE: Final = "#/components/examples/{name}"
_RESPONSE: Final = "#/components/responses/{name}"
_SCHEMA: Final = {"$ref": "#/components/schemas/ProblemDocument"}


class Refusals:
    """Those of one contract, by name."""

    def __init__(self) -> None:
        self.responses: dict[str, Any] = {}
        self.examples: dict[str, Any] = {}

    def answer(self, status: int, codes: Sequence[str]) -> dict[str, str]:
        """Where the answer stands that refuses for one of these reasons."""
        name = ".".join(codes)
        if name not in self.responses:
            self.responses[name] = self._answer(status, codes)
        return {"$ref": _RESPONSE.format(name=name)}

    def components(self) -> dict[str, dict[str, Any]]:
        """All that was asked for, in the order of the names."""
        return {
            "responses": dict(sorted(self.responses.items())),
            "examples": dict(sorted(self.examples.items())),
        }

    def _answer(self, status: int, codes: Sequence[str]) -> dict[str, Any]:
        for code in codes:
            self.examples[code] = {"summary": KINDS[code].title, "value": _problem(code)}
        shown = {code: {"$ref": _EXAMPLE.format(name=code)} for code in codes}
        answer: dict[str, Any] = {
            "description": " or ".join(f"`{TYPE_PREFIX}{code}`" for code in codes),
            "content": {"application/problem+json": {"schema": _SCHEMA, "examples": shown}},
        }
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            answer["headers"] = LIMIT_HEADERS
        return answer


def _problem(code: str) -> dict[str, Any]:
    """The problem document of a code, as it might be sent."""
    kind = KINDS[code]
    example = {
        "type": TYPE_PREFIX + code,
        "title": kind.title,
        "status": kind.status,
        "detail": problem_examples.DETAILS.get(code) or sentence(code),
        "instance": f"/generations/{problem_examples.GENERATION}",
    }
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        example["retry_after"] = 1
    return example | problem_examples.MEMBERS.get(code, {})
