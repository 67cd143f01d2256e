"""A webhook counts only if somebody with a live secret has sent these very bytes just now."""

from __future__ import annotations

import pytest

from runtime.stripe.errors import NotSigned
from runtime.stripe.signature import check, secrets_in
from tests.fakes.stripe import signature

OLD, NEW = "whsec_old_secret", "whsec_new_secret"
BODY = '{"id": "evt_1", "name": "Zoë"}'.encode()
NOW = 1_790_000_000


def judge(header: str | None, body: bytes = BODY, now: float = NOW) -> None:
    check(body, None if header is None else header.encode(), (NEW, OLD), 300, now)


@pytest.mark.parametrize("secrets", [[OLD], [NEW], [OLD, NEW], ["whsec_foreign", NEW]])
def test_genuine(secrets: list[str]) -> None:
    """One right signature by any live secret is enough, as while a secret is rolled."""
    judge(signature(BODY, secrets, NOW))
    for seconds in (-300, 300):
        judge(signature(BODY, secrets, NOW + seconds))


RIGHT = signature(BODY, [NEW], NOW)
LATE = signature(BODY, [NEW], NOW - 301)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=,v1=",
        "nonsense",
        RIGHT.replace("v1=", "v0="),
        RIGHT.replace(f"t={NOW}", f"t={NOW + 1}"),
        signature(BODY, ["whsec_foreign"], NOW),
        LATE,
        signature(BODY, [NEW], NOW + 301),
        # What was signed long ago, beside a time of now: two readers must not see two times.
        f"t={NOW},{LATE}",
        f"{LATE},t={NOW}",
        LATE.replace(f"t={NOW - 301}", f"t={str(NOW - 301)[0]}_{str(NOW - 301)[1:]},t={NOW}"),
        RIGHT + "," + "v1=0" * 2_000,
        RIGHT + ",ü",
    ],
)
def test_forged(header: str | None) -> None:
    """Anything else is believed in nothing."""
    with pytest.raises(NotSigned):
        judge(header)


def test_written_anew() -> None:
    """The same JSON in other bytes is another message; bytes that are no text are none."""
    for body in (BODY.replace(b": ", b":"), BODY + b"\n", b"\xff" + BODY):
        with pytest.raises(NotSigned):
            judge(RIGHT, body)


def test_no_secret() -> None:
    """Without a secret nobody is believed."""
    assert secrets_in(None) == ()
    assert secrets_in(f"{NEW},{OLD}") == (NEW, OLD)
    with pytest.raises(NotSigned):
        check(BODY, RIGHT.encode(), (), 300, NOW)
