"""Asking what is allowed, objecting to a refusal, and what admins decide and see."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from commands.moderation import VERSION
from events.generations import GenerationFailed
from events.ids import GenerationId, fact_id
from events.moderation import AppealFiled, AppealOverturned, AppealUpheld, ModerationVerdict
from runtime.waiting import until
from tests.integration.gateway.log import events_about
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.world import Person, World, another_gateway

WHY = "because the test says so"
PROHIBITED = "a decapitated man"


async def refused(person: Person, prompt: str = PROHIBITED, **body: Any) -> str:
    """A generation that the word lists refused, once the read models know it."""
    answer = await person.ask(prompt=prompt, **body)
    is_problem(answer, 422, "prohibited")
    generation_id = str(answer.json()["generation_id"])

    async def known() -> bool:
        shown = await person.get(f"/generations/{generation_id}")
        return bool(shown.status_code == 200 and shown.json()["error"])

    await until(known, 20, what="the refusal to be readable")
    return generation_id


async def appealed(person: Person, generation_id: str) -> dict[str, Any]:
    answer = await person.post(f"/generations/{generation_id}/appeal", json={"words": "I protest."})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def decided(admin: Person, person: Person, appeal: dict[str, Any], what: str) -> Any:
    path = f"/admin/accounts/{person.account_id}/appeals/{appeal['id']}/{what}"
    return await admin.post(path, json={"reason": WHY})


async def test_the_lists_say_beforehand_what_they_would_say(person: Person) -> None:
    """Texts are checked together; nothing is charged or kept."""
    said = await person.post("/moderation/check", json={"prompt": "a harbour at dawn"})
    assert said.json() == {
        "allowed": True,
        "reason": None,
        "rule_id": None,
        "list_version": VERSION,
    }
    said = await person.post(
        "/moderation/check", json={"title": "a child", "instructions": "draw it n4k3d"}
    )
    assert (said.status_code, said.json()["allowed"]) == (200, False)
    assert (said.json()["reason"], said.json()["rule_id"]) == ("minors", "minors-sexual")
    is_problem(await person.post("/moderation/check", json={}), 422, "invalid-request")
    assert (await person.get("/generations")).json()["items"] == []


async def test_checks_are_limited(world: World, person: Person) -> None:
    """Whoever would find the lists out by trying is stopped soon."""
    async with another_gateway(world, limit_moderation_checks_per_minute=2) as gateway:
        client = gateway.client
        answers = [
            await client.post(
                "/moderation/check", json={"prompt": "a boat"}, headers=person.authorization
            )
            for _ in range(3)
        ]
    assert [one.status_code for one in answers] == [200, 200, 429]


async def test_a_refusal_says_why(person: Person) -> None:
    """By category and in a sentence, at once and later."""
    answer = await person.ask(prompt=PROHIBITED, key="why")
    problem = answer.json()
    assert (problem["reason"], "gore" in problem["detail"]) == ("violence", True)
    generation_id = problem["generation_id"]

    async def known() -> Any:
        shown = await person.get(f"/generations/{generation_id}")
        return shown.json().get("error") if shown.status_code == 200 else None

    error = await until(known, 20, what="the refusal to be readable")
    assert (error["code"], error["reason"]) == ("prohibited", "violence")
    again = await person.ask(prompt=PROHIBITED, key="why")
    assert again.json()["reason"] == "violence"


async def test_what_a_checker_refused_says_why_and_can_be_appealed(
    world: World, person: Person
) -> None:
    """The worker's verdict names the reason; its failure ends the generation."""
    generation_id = GenerationId((await person.ask(prompt="a boat")).json()["id"])
    about: dict[str, Any] = {
        "account_id": person.account_id,
        "occurred_at_ms": world.clock.now_ms(),
        "generation_id": generation_id,
    }
    verdict = ModerationVerdict(
        **about,
        stage="prompt",
        verdict="refused",
        rule_id="hate/threatening",
        reason="hate",
        provider="openai",
        list_version="1",
    )
    failed = GenerationFailed(**about, reason="prohibited", detail="It is not allowed.")
    await world.append(verdict, fact_id(generation_id, "moderated"))
    await world.append(failed, fact_id(generation_id, "failed"))

    async def known() -> Any:
        return (await person.get(f"/generations/{generation_id}")).json().get("error")

    error = await until(known, 20, what="the failure to be readable")
    assert (error["code"], error["reason"]) == ("prohibited", "hate")
    assert (await appealed(person, generation_id))["status"] == "open"


async def test_an_overturned_refusal_lets_the_same_be_asked_again(
    world: World, admin: Person, person: Person
) -> None:
    """It is filed once, decided once, told to the log; then that body is admitted, and no other."""
    generation_id = await refused(person, seed=7)
    appeal = await appealed(person, generation_id)
    assert (appeal["status"], appeal["reason"]) == ("open", "prohibited")
    assert await appealed(person, generation_id) == appeal

    async def listed() -> Any:
        shown = (await admin.get("/admin/appeals")).json()["items"]
        return [one for one in shown if one["id"] == appeal["id"]]

    (seen,) = await listed()
    assert (seen["words"], seen["prompt"]) == ("I protest.", PROHIBITED)
    assert [one["stage"] for one in seen["verdicts"]] == ["words"]

    assert (await decided(admin, person, appeal, "overturn")).json()["status"] == "overturned"
    assert (await decided(admin, person, appeal, "overturn")).status_code == 200
    is_problem(await decided(admin, person, appeal, "uphold"), 409, "appeal-decided")
    assert await listed() == []
    told = await events_about(world, person.account_id)
    assert [type(one) for one in told if isinstance(one, AppealFiled | AppealOverturned)] == [
        AppealFiled,
        AppealOverturned,
    ]

    async def admitted() -> bool:
        answer = await person.ask(prompt=PROHIBITED, seed=7)
        return answer.status_code == 202

    await until(admitted, 20, every_seconds=0.2, what="the same request to be admitted")
    is_problem(await person.ask(prompt=PROHIBITED, seed=8), 422, "prohibited")
    mine = (await person.get(f"/generations/{generation_id}/appeal")).json()
    assert mine["status"] == "overturned"


async def test_a_picture_says_whether_somebody_looked(world: World, person: Person) -> None:
    """`unchecked` unless the worker says otherwise; nothing while there is no picture."""
    generation_id = (await person.ask(prompt="a cat on a mat")).json()["id"]
    assert (await person.get(f"/generations/{generation_id}")).json()["safety"] is None
    await world.complete(person, generation_id)

    async def shown() -> Any:
        return (await person.get(f"/generations/{generation_id}")).json()["safety"]

    assert await until(shown, 20, what="the picture to be shown") == "unchecked"


async def test_an_upheld_refusal_stands(world: World, admin: Person, person: Person) -> None:
    """The person sees that it was decided, and is refused as before."""
    generation_id = await refused(person)
    appeal = await appealed(person, generation_id)
    assert (await decided(admin, person, appeal, "uphold")).json()["status"] == "upheld"
    assert any(
        isinstance(one, AppealUpheld) for one in await events_about(world, person.account_id)
    )
    is_problem(await person.ask(prompt=PROHIBITED), 422, "prohibited")


async def test_only_refusals_can_be_appealed_and_only_ones_own(
    admin: Person, person: Person, world: World
) -> None:
    """What was admitted has nothing to object to; another's refusal is not there."""
    answer = await person.ask(prompt="a cat on a mat")
    fine = answer.json()["id"]
    said = await person.post(f"/generations/{fine}/appeal", json={"words": "why"})
    is_problem(said, 409, "not-appealable")
    generation_id = await refused(person)
    other = await world.person()
    body = {"words": "why"}
    said = await other.post(f"/generations/{generation_id}/appeal", json=body)
    is_problem(said, 404, "not-found")
    is_problem(await other.get(f"/generations/{generation_id}/appeal"), 404, "not-found")
    is_problem(await other.get("/admin/appeals"), 403, "role-missing")
    nobody = {"id": str(uuid4())}
    is_problem(await decided(admin, person, nobody, "uphold"), 404, "not-found")


async def test_statistics_count_verdicts_by_stage_and_rule(
    world: World, admin: Person, person: Person
) -> None:
    """Requests, refusals of the lists, and what checkers said; told twice, counted once."""
    generation_id = await refused(person)

    async def count(**wanted: Any) -> int:
        shown = (await admin.get("/admin/moderation/statistics?days=1")).json()["items"]
        return sum(one["count"] for one in shown if all(one[key] == wanted[key] for key in wanted))

    assert await count(stage="words", verdict="refused", rule_id="gore") >= 1
    assert await count(stage="words", verdict="asked") >= 1
    before = await count(stage="picture", rule_id="sexual/minors")
    verdict = ModerationVerdict(
        account_id=person.account_id,
        occurred_at_ms=1,
        generation_id=generation_id,  # type: ignore[arg-type]  # canonical, from an answer
        stage="picture",
        verdict="refused",
        rule_id="sexual/minors",
        reason="minors",
        provider="openai",
        list_version="1",
        index=0,
    )
    for _ in range(2):
        await world.append(verdict, fact_id(generation_id, "test"))
    await until(lambda: counted(count, before + 1), 20, what="the verdict to be counted")
    is_problem(await person.get("/admin/moderation/statistics"), 403, "role-missing")


async def counted(count: Any, wanted: int) -> bool:
    return bool(await count(stage="picture", rule_id="sexual/minors") == wanted)
