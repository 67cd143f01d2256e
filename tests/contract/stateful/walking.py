"""One role's walk through the served contract, and what it saw that the contract does not say.

First every operation alone, with its documented example and drawn requests, good and bad; then
scenarios of many steps, in which what an answer names is read, changed, thrown away. Who walks is
new in each scenario, and whenever they are refused, so that to erase oneself ends no walk.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from hypothesis.errors import Flaky
from schemathesis.core.failures import FailureGroup
from schemathesis.engine.errors import is_inconsistent_replay

from tests.contract.stateful.roles import WEBHOOK_SECRET, Headers, Town

TIMEOUT_SECONDS: Final = 20
STEPS: Final = 12
"""Of a scenario, at most."""
BATCH: Final = 10
"""Scenarios that Hypothesis draws together. A server whose answers differ from one scenario to the
next is `Flaky` to it, which ends a batch; what was seen until then counts."""
STREAM_EVENTS_MAX: Final = 1
"""Of an event stream that never ends, this much is read; a heartbeat is none."""
GENUINE_SHARE: Final = 0.5
"""Of well-formed requests: sent with a body that works, such as nobody would guess."""
NOT_APPLICABLE: Final = (
    # Judges drawn data by the schema alone; what is for sale, or who may, it cannot know.
    "positive_data_acceptance",
)
WEBHOOK: Final = "POST /telegram/webhook"
PROVED: Final = frozenset({"POST /auth/login", "POST /me/identities"})
_CONFIG: Final = {
    "request-timeout": TIMEOUT_SECONDS,
    "max-stream-events": STREAM_EVENTS_MAX,
    "checks": {name: {"enabled": False} for name in NOT_APPLICABLE},
    "generation": {"database": "none"},
    # What is made badly is made by nobody, and then nothing can be followed.
    "phases": {"stateful": {"generation": {"mode": "positive"}}},
}


class Finding(NamedTuple):
    """Something that the contract does not say."""

    role: str
    operation: str
    title: str
    text: str


class Walk(NamedTuple):
    """What one role saw."""

    findings: dict[tuple[str, str], Finding]
    """By operation and title: the first of each."""
    answers: Counter[tuple[str, int]]
    """How often an operation answered with a status."""
    followed: Counter[tuple[str, int]]
    """The same, of requests that were made of what an answer before them named."""


def served(town: Town) -> dict[str, Any]:
    """The contract, as the gateway serves it."""
    answer = httpx.get(f"{town.url}/openapi.json", timeout=TIMEOUT_SECONDS)
    return dict(answer.raise_for_status().json())


def walk(
    town: Town, role: str, contract: dict[str, Any], *, examples: int, scenarios: int, seed: int
) -> Walk:
    """Send `examples` requests to every operation, then walk through `scenarios`."""
    seed = random.Random(f"{seed} {role}").getrandbits(64)
    config = schemathesis.Config.from_dict({**_CONFIG, "base-url": town.url, "seed": seed})
    schema = schemathesis.openapi.from_dict(copy.deepcopy(contract), config=config)
    walker = _Walker(town, role, contract, seed)
    bounds = settings(
        max_examples=examples,
        phases=[Phase.explicit, Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    walker.renew()
    for found in schema.get_all_operations():
        _alone(found.ok(), walker, bounds, seed)
    machine = _machine(schema.as_state_machine(), walker)
    for number in range(scenarios):
        if walker.scenarios >= scenarios:
            break
        batch = settings(
            bounds,
            max_examples=min(BATCH, scenarios - walker.scenarios),
            stateful_step_count=STEPS,
        )
        machine.rule_order_seed = seed + number  # the first of a batch begins somewhere else
        try:
            seeded(seed + number)(machine).run(settings=batch)
        except Flaky:
            continue
        except AssertionError as error:
            if not is_inconsistent_replay(error):
                raise
    return walker.walk


def _alone(operation: Any, walker: _Walker, bounds: settings, seed: int) -> None:
    @bounds
    @seeded(seed)
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        walker.prepare(case)
        headers = walker.headers
        response = case.call(headers=headers)
        walker.judge(case, response, headers=headers)
        if response.status_code == 401:  # erased by itself, most likely
            walker.renew()

    send()


def _machine(base: Any, walker: _Walker) -> Any:
    class Scenario(base):
        def setup(self) -> None:
            walker.scenarios += 1
            walker.renew()

        def before_call(self, case: Any) -> None:
            walker.prepare(case)

        def get_call_kwargs(self, _case: Any) -> dict[str, Any]:
            return {"headers": walker.headers}

        def step(self, taken: Any) -> Any:
            output = super().step(taken)
            if taken.transition is not None and taken.is_applied:
                key = taken.case.operation.label, output.response.status_code
                walker.walk.followed[key] += 1
            return output

        def validate_response(self, response: Any, case: Any, **rest: Any) -> None:
            walker.judge(case, response, recorder=self.recorder, **rest)

    return Scenario


def _documented_bodies(contract: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Of each operation that takes a body: its label and the example."""
    for path, methods in contract["paths"].items():
        for method, one in methods.items():
            if "requestBody" in one:
                content = one["requestBody"]["content"]["application/json"]
                shown = content.get("example")
                if shown is None:  # one of several kinds of bodies
                    shown = next(iter(content["examples"].values()))["value"]
                yield f"{method.upper()} {path}", shown


class _Walker:
    """Somebody of a role, again and again somebody new."""

    def __init__(self, town: Town, role: str, contract: dict[str, Any], seed: int) -> None:
        self._town = town
        self._examples = dict(_documented_bodies(contract))
        self._role = role
        self._drawing = random.Random(seed)
        self.headers: Headers = {}
        self.scenarios = 0
        self.walk = Walk({}, Counter(), Counter())

    def renew(self) -> None:
        """Be somebody else."""
        self.headers = self._town.roles[self._role]()

    def prepare(self, case: Any) -> None:
        """Send what really works, some of the time: a genuine proof, or the documented body."""
        well_formed = case.meta.generation.mode is schemathesis.GenerationMode.POSITIVE
        if not well_formed or self._drawing.random() > GENUINE_SHARE:
            return
        if case.operation.label in PROVED:
            case.body = {"init_data": self._town.init_data()}
            return
        if case.operation.label == WEBHOOK:
            case.headers["X-Telegram-Bot-Api-Secret-Token"] = WEBHOOK_SECRET
        if case.operation.label in self._examples:
            case.body = copy.deepcopy(self._examples[case.operation.label])

    def judge(self, case: Any, response: Any, *, headers: Any = None, **rest: Any) -> None:
        """Hold an answer against the contract, and keep what differs."""
        operation = case.operation.label
        self.walk.answers[operation, response.status_code] += 1
        if headers is not None:
            rest["transport_kwargs"] = {"headers": headers}
        try:
            case.validate_response(response, headers=headers, **rest)
        except FailureGroup as group:
            for failure in group.exceptions:
                key = operation, failure.title
                text = f"{failure.message}\n{case.as_curl_command()}\n{response.text[:600]}"
                self.walk.findings.setdefault(
                    key, Finding(self._role, operation, failure.title, text)
                )
