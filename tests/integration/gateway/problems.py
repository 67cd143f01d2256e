"""What every problem document must be."""

from __future__ import annotations

from typing import Any

import httpx


def is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Assert that the answer is that problem, complete and without anything of the inside."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"https://pixelpop.app/problems/{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"].endswith((".", "?"))
    assert problem["instance"] == answer.request.url.path
    for leak in ("Traceback", 'File "', "msgspec", "asyncpg", "litestar"):
        assert leak not in answer.text
    assert answer.headers["X-Request-Id"]
    return problem
