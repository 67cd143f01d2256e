"""`pixelpop moderation`. Each command imports what it runs, so that starts are short."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import App, Parameter

from runtime.command_line import EXIT_FAILED, AsJson, print_json, run
from runtime.settings import load

moderation = App(name="moderation", help="What is allowed, and who says so.")


@moderation.command
def check(text: str, *, negative: str | None = None, json: AsJson = False) -> int:
    """Say what the word lists say of a text; fails where they refuse it.

    Parameters
    ----------
    text
        A prompt, a title, an instruction.
    negative
        What is to be left out.
    json
        Print JSON, for scripts.
    """
    from commands.moderation import VERSION, judge

    rule = judge(text, negative=negative)
    if json:
        rule_id, category = (None, None) if rule is None else (rule.id, rule.category)
        print_json({"rule_id": rule_id, "category": category, "list_version": VERSION})
    else:
        said = "allowed" if rule is None else f"refused: {rule.id} ({rule.category})"
        sys.stdout.write(f"{said}; lists of {VERSION}\n")
    return 0 if rule is None else EXIT_FAILED


@moderation.command
def bias(
    *,
    stage: Literal["words", "prompt"] = "words",
    most: Annotated[float, Parameter(help="The largest difference that is no failure.")] = 0.0,
    json: AsJson = False,
) -> int:
    """Compare refusal rates on paired neutral prompts; fails where they differ by more than `most`.

    Parameters
    ----------
    stage
        Who is asked: the word lists, or who reads prompts before a picture is made.
    most
        From 0 (all are treated alike) to 1.
    json
        Print JSON, for scripts.
    """
    from processors.moderation.measuring import measure

    measured = run(measure(load(), stage))
    if json:
        print_json(measured)
    else:
        for one in measured.kinds:
            worst = max(one.rates, key=lambda who: one.rates[who])
            sys.stdout.write(
                f"{one.language} {one.kind}: {one.difference:.1%} apart, most {worst}"
                f" ({one.rates[worst]:.1%} refused)\n"
            )
        sys.stdout.write(f"{measured.refused} of {measured.prompts} prompts were refused\n")
    return 0 if measured.difference <= most else EXIT_FAILED
