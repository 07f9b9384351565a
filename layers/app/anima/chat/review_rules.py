"""What a review finds without a model: patterns that are seldom right, each with its focus area. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anima.chat.focus_model import AreaName
from anima.chat.review_model import Finding, Severity, SourceFile

_MOST = 100
_MOST_LINE_CHARS = 2_000
_QUOTE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern within one line, and what it means."""

    area: AreaName
    severity: Severity
    pattern: re.Pattern[str]
    message: str


def _rule(area: AreaName, severity: Severity, pattern: str, message: str) -> Rule:
    return Rule(area, severity, re.compile(pattern, re.IGNORECASE), message)


_PERSONAL = (
    r"(?:e[-_]?mail|passport|iban|ssn|social_security|birth_?(?:date|day)|date_of_birth|phone(?:_?number)?"
    r"|home_address|credit_?card|card_number|patient|diagnos\w+|tax_?id|full_?name|ip_address)"
)
# Each looks at a line once, or nearly so: the first call that writes counts, and what stands anywhere behind it.
RULES = (
    _rule(
        "security",
        "high",
        r"-----BEGIN [A-Z ]*PRIVATE KEY",
        "A private key stands in the text: revoke it, keep it apart.",
    ),
    _rule(
        "security",
        "high",
        r"(?:password|passwd|secret|api_?key|access_?token|auth_?token)\w*[\"']?\s*[:=]\s*[\"'][^\"'{}$<\s]{6,}[\"']",
        "A secret stands in the text: take it from the settings, and revoke this one.",
    ),
    _rule(
        "security", "high", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "A key of a cloud account stands in the text: revoke it."
    ),
    _rule(
        "security",
        "high",
        r"(?<![\w.])(?:eval|exec)\s*\((?!\s*\))",
        "What is evaluated runs: input must never get here.",
    ),
    _rule(
        "security",
        "high",
        r"shell\s*=\s*True|\bos\.(?:system|popen)\s*\(|child_process\.exec\(",
        "A shell reads this: pass a list of arguments instead.",
    ),
    _rule(
        "security",
        "high",
        r"(?:execute|query|raw)\w*\(\s*(?:f[\"']|[\"'][^\"']*[\"']\s*(?:%|\+|\.format))",
        "A query is put together from text: pass values as parameters.",
    ),
    _rule(
        "security",
        "medium",
        r"\bverify\s*=\s*False|rejectUnauthorized\s*:\s*false|InsecureSkipVerify",
        "Nobody is made out on the other side: certificates are not checked.",
    ),
    _rule(
        "security",
        "medium",
        r"\b(?:pickle|marshal)\.loads?\(|yaml\.load\((?!.*Safe)",
        "Loading this runs what it holds: take a format of data only.",
    ),
    _rule(
        "security",
        "medium",
        r"\b(?:md5|sha1)\s*\(",
        "The hash is broken where somebody may gain by a collision: take SHA-256, or a password hash.",
    ),
    _rule(
        "security",
        "low",
        r"\brandom\.(?:random|randint|choice)\(.{0,300}(?:token|secret|password|key)",
        "What must not be guessed needs a secure source of randomness.",
    ),
    _rule(
        "compliance",
        "high",
        rf"^(?>.*?(?:\blog(?:ger|ging)?\b|\bprint|console\.\w|\becho|\blogf?)).*{_PERSONAL}",
        "Personal data goes to a log: leave it out or replace it by an id (GDPR art. 5(1)(c), 32).",
    ),
    _rule(
        "compliance",
        "medium",
        rf"^(?>.*?(?:requests|httpx|fetch|axios)\b).*{_PERSONAL}",
        "Personal data is sent to another party: on what ground, and is there a contract (GDPR art. 6, 28)?",
    ),
    _rule(
        "compliance",
        "medium",
        r"http://(?!localhost|127\.|0\.0\.0\.0|\[::1\]|example\.|www\.w3\.org|schemas?\.)[\w.-]+",
        "Data goes out without encryption: use https (GDPR art. 32).",
    ),
    _rule(
        "compliance",
        "medium",
        r"\b(?:A?GPL(?:-?[23](?:\.0)?)?|GNU (?:Affero )?General Public License)\b",
        "A copyleft licence: see whether what this is part of may be given on under it.",
    ),
    _rule(
        "compliance",
        "low",
        rf"\b(?:create table|add column|class \w+\(.*model).*\b\w*{_PERSONAL}",
        "Personal data is stored: say for how long, and how it is erased (GDPR art. 5(1)(e), 17).",
    ),
    _rule(
        "correctness",
        "medium",
        r"^\s*except\s*(?:Exception\s*)?:\s*(?:pass)?\s*$|catch\s*\(\s*\w*\s*\)\s*\{\s*\}",
        "Any error ends here, those too that nobody thought of.",
    ),
    _rule(
        "correctness",
        "medium",
        r"def \w+\(.*=\s*(?:\[\]|\{\}|set\(\))\s*[,)]",
        "The default is made once and shared by all calls.",
    ),
    _rule(
        "correctness",
        "low",
        r"(?:==|!=)\s*(?:None|NaN)\b|\bassert\s*\(.+,.+\)\s*$",
        "This compares or asserts something else than it seems to.",
    ),
    _rule("performance", "medium", r"\bselect \*", "All columns are read, those too that are added later."),
    _rule(
        "performance",
        "low",
        r"time\.sleep\(|\bwhile True\b(?!.*:.*\bbreak\b)",
        "This waits or runs on: is there an end to it?",
    ),
    _rule(
        "performance", "low", r"\.(?:read|readlines|fetchall)\(\)", "Everything is read at once: how large can it be?"
    ),
    _rule("style", "info", r"\b(?:TO" r"DO|FIX" r"ME|HACK)\b", "Something was left for later."),
    _rule("style", "info", r"^.{141,}$", "The line is longer than it can be read."),
    _rule(
        "tests",
        "low",
        r"@(?:pytest\.mark\.skip|unittest\.skip)|\b(?:it|test|describe)\.skip\(|\bxit\(",
        "The test does not run.",
    ),
    _rule("tests", "low", r"\bassert True\b|expect\(true\)\.toBe\(true\)", "The test cannot fail."),
)


def findings(files: Iterable[SourceFile], areas: Sequence[AreaName]) -> list[Finding]:
    """What the rules of some areas find, in the order of the text; of one kind in one line once."""
    wanted = [rule for rule in RULES if rule.area in areas]
    found: list[Finding] = []
    for file in files:
        for number, line in file.lines:
            found += [
                _finding(rule, file, number, line) for rule in wanted if rule.pattern.search(line[:_MOST_LINE_CHARS])
            ]
            if len(found) >= _MOST:
                return found[:_MOST]
    return found


def _finding(rule: Rule, file: SourceFile, number: int, line: str) -> Finding:
    quote = " ".join(line.split())[:_QUOTE_CHARS]
    return Finding(rule.area, rule.severity, file.path, number, number, quote, rule.message, "rule")
