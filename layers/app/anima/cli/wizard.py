"""`anima personality wizard`: a personality by questions and answers, with a way back and an example of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from anima import personality as personalities
from anima.cli.wizard_words import LANGUAGES, LEVELS, PACES, QUESTIONS, SAY, TRAITS, USUAL, Question, Words
from anima.kernel.errors import BadInput, FieldError

Ask = Callable[[str], str]
"""Shows a prompt and answers the line that somebody typed; EOFError where nobody does."""
Tell = Callable[[str], None]
_BACK, _EXAMPLE, _NOTHING = "<", "?", "-"
_SEPARATORS = {"interests": ",", "limits": ";"}


def asked(ask: Ask, tell: Tell, language: str, start: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The personality that somebody's answers make; `start` is one whose values are offered.

    Raises BadInput where the answers end before the questions do.
    """
    french = LANGUAGES.index(language)
    tell(SAY["begin"][french].format(count=len(QUESTIONS)))
    answers = dict(_of(start)) if start else {}
    place = 0
    while place < len(QUESTIONS):
        question = QUESTIONS[place]
        answer = _answered(ask, tell, question, answers, place, french)
        tried = {"name": "somebody", **answers, question.key: answer}
        if answer == _BACK:
            place = max(0, place - 1)
        elif wrong := personalities.errors(built(tried, language, start)):
            tell(SAY["wrong"][french].format(reason=wrong[0].message))
        else:
            answers[question.key] = answer
            place += 1
    made = built(answers, language, start)
    personalities.parse(made)
    return made


def _answered(ask: Ask, tell: Tell, question: Question, answers: Mapping[str, str], place: int, french: int) -> str:
    """An answer that fits, or the wish to go back."""
    usual = answers.get(question.key, USUAL.get(question.key, ""))
    tell(f"\n{place + 1}/{len(QUESTIONS)}  {question.ask[french]}")
    for number, (_, words) in enumerate(question.choices, start=1):
        tell(f"   {number}  {words[french]}")
    while True:
        try:
            line = ask(_prompt(question, usual, french)).strip()
        except EOFError:
            wrong = FieldError("answers", f"an answer to each of the {len(QUESTIONS)} questions")
            raise BadInput(reason="the answers ended before the questions", fields=[wrong]) from None
        if line == _EXAMPLE:
            tell(f"   {question.hint[french] or SAY['no_example'][french]}")
        elif line == _BACK:
            return line
        elif (found := _fitting(question, line or _shown(question, usual))) is not None:
            return found
        else:
            tell(SAY["none" if question.choices else "needed"][french].format(count=len(question.choices)))


def _prompt(question: Question, usual: str, french: int) -> str:
    offered = _shown(question, usual)
    if question.choices and offered:
        offered = f"{offered} {question.choices[int(offered) - 1][1][french]}"
    return f"[{offered}] > " if offered else "> "


def _shown(question: Question, usual: str) -> str:
    """What is offered: of a choice the number."""
    if not question.choices:
        return usual
    values = [value for value, _ in question.choices]
    return str(values.index(usual) + 1 if usual in values else 1)


def _fitting(question: Question, line: str) -> str | None:
    if not question.choices:
        line = "" if line == _NOTHING else line
        return None if question.needed and not line else line
    if line.isdecimal() and len(line) < 4 and 1 <= int(line) <= len(question.choices):
        return question.choices[int(line) - 1][0]
    return next((value for value, words in question.choices if line.casefold() in (value, *words)), None)


def _of(personality: Mapping[str, Any]) -> dict[str, str]:
    """The answers that would make what a personality says."""
    persona = personality["persona"]
    found = {name: str(persona[name]) for name in ("name", "description", "tone", "emojis") if persona.get(name)}
    found |= {name: personality.get(name, "") for name in ("humour_style", "love_language", "attachment_style")}
    for trait, value in personality.get("big_five", {}).items():
        found[trait] = min(("0.1", "0.3", "0.5", "0.7", "0.9"), key=lambda step: abs(float(step) - value))
    found["interests"] = ", ".join(personality.get("interests", []))
    found["limits"] = "; ".join(persona.get("limits", []))
    if verbosity := personality.get("advanced_parameters", {}).get("verbosity"):
        found["verbosity"] = verbosity
    return found


def built(answers: Mapping[str, str], language: str, start: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The personality of some answers, on top of `start`. Pure; the schema has the last word."""
    made: dict[str, Any] = {key: value for key, value in (start or {}).items() if key not in ("$schema", "source")}
    persona = {**made.get("persona", {}), "language": language}
    for key in ("name", "description", "tone", "emojis"):
        if answers.get(key):
            persona[key] = answers[key]
    for key in ("description", "tone"):
        if key in answers and not answers[key]:
            persona.pop(key, None)
    persona["limits"] = _parts(answers, "limits")
    made["persona"] = {key: value for key, value in persona.items() if value != []}
    made["big_five"] = {trait: float(answers.get(trait) or "0.5") for trait in TRAITS}
    for key in ("humour_style", "love_language", "attachment_style"):
        made.pop(key, None)
        made |= {key: answers[key]} if answers.get(key) else {}
    made.pop("interests", None)
    if interests := _parts(answers, "interests"):
        made["interests"] = interests
    if answers.get("verbosity"):
        made["advanced_parameters"] = {**made.get("advanced_parameters", {}), "verbosity": answers["verbosity"]}
    if answers.get("pace") == "none":
        made.pop("hierarchical_config", None)
    elif answers.get("pace") in PACES and not made.get("hierarchical_config"):
        made["hierarchical_config"] = {"relationship_levels": _levels(answers["pace"], LANGUAGES.index(language))}
    return made


def _parts(answers: Mapping[str, str], key: str) -> list[str]:
    return [part.strip() for part in answers.get(key, "").split(_SEPARATORS[key]) if part.strip()]


def _levels(pace: str, french: int) -> list[dict[str, Any]]:
    bounds = (0, *PACES[pace], 100)
    named: list[tuple[Words, Words]] = list(LEVELS)
    return [
        {
            "name": name[french],
            "affinity_range": [bounds[place], bounds[place + 1]],
            "modifiers": {"instructions": [instruction[french]]},
        }
        for place, (name, instruction) in enumerate(named)
    ]
