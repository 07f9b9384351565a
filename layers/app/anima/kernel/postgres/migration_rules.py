"""What a migration may hold: a `pre` works under yesterday's code, a `post` names what it follows, both run on 17.

Statements are recognised by their words, as in a review: comments, strings and bodies of functions are blanked
first. What a rule refuses for no reason is let through by a line `-- allow <rule>: <reason>` in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from anima.kernel.postgres.migration_files import MigrationFile


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a file, and where: `line` counts from 1."""

    file: str
    line: int
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What a `pre` must not do to something that was there before it; `subject` is what the pattern names."""

    name: str
    pattern: re.Pattern[str]
    message: str


def _rule(name: str, pattern: str, message: str) -> Rule:
    spaced = pattern.replace("NAME", _NAME).replace(" ", r"\s+")
    return Rule(name, re.compile(spaced, re.IGNORECASE | re.DOTALL), message)


_NAME = r"(?:(?:only|if\s+exists|concurrently)\s+)*(?P<subject>[\w.\"]+)"
_ALTER = r"^alter table NAME .*?\b"
_KINDS = r"(?:table|view|materialized view|function|procedure|routine|type|domain|schema|sequence|extension)"

_NO_ROW = "yesterday's code would see no row any more"
_MAY_BREAK = "what yesterday's code writes may break it: add it in a post"
_YESTERDAY = (
    _rule("drop", rf"^drop {_KINDS} NAME", "yesterday's code still uses what is dropped: do it in a post"),
    _rule(
        "drop",
        _ALTER + r"drop (?!constraint|not null|default|expression|identity)",
        "yesterday's code still reads the column: drop it in a post",
    ),
    _rule("truncate", r"^truncate (?:table )?NAME", "the rows are yesterday's code's"),
    _rule(
        "rename",
        rf"^alter {_KINDS} NAME .*?\brename\b(?! constraint)",
        "yesterday's code knows the old name: add the new one, drop the old one in a post",
    ),
    _rule("move", rf"^alter {_KINDS} NAME .*?\bset schema\b", "yesterday's code looks for it where it was"),
    _rule("drop-default", _ALTER + r"drop default\b", "yesterday's inserts rely on the default"),
    _rule("set-not-null", _ALTER + r"set not null\b", "yesterday's code may still write null: tighten it in a post"),
    _rule(
        "change-type",
        _ALTER + r"alter (?:column )?[\w\"]+ (?:set data )?type\b",
        "yesterday's code reads and writes the old type: add a column",
    ),
    _rule(
        "add-constraint",
        _ALTER + r"add (?:constraint [\w\"]+ )?(?:check|unique|primary key|foreign key|exclude)\b",
        _MAY_BREAK,
    ),
    _rule(
        "unique-index",
        r"^create unique index (?:concurrently )?(?:if not exists )?[\w\"]+ on NAME",
        _MAY_BREAK,
    ),
    _rule("row-security", _ALTER + r"(?:enable|force) row level security\b", _NO_ROW),
    _rule(
        "revoke",
        r"^revoke .*? on (?:table |function |sequence )?NAME .*?\bfrom .*?\banima_(?:app|worker|admin)\b",
        "yesterday's code still needs the right",
    ),
    _rule("drop-policy", r"^drop policy (?:if exists )?[\w\"]+ on NAME", _NO_ROW),
)
_ADD_COLUMN = re.compile(r"\badd\s+(?:column\s+)?(?:if\s+not\s+exists\s+)?(?P<column>[\w\"]+)\s+(?P<rest>[^,]*)", re.I)
_ADD_OTHER = {"constraint", "check", "unique", "primary", "foreign", "exclude", "value", "generated"}
_CREATED = re.compile(
    rf"^create\s+(?:or\s+replace\s+)?(?:unlogged\s+)?{_KINDS.replace(' ', chr(92) + 's+')}\s+"
    r"(?:if\s+not\s+exists\s+)?(?P<name>[\w.\"]+)",
    re.IGNORECASE,
)
_NEW_POLICY = re.compile(r"^create\s+policy\s+[\w\"]+\s+on\s+(?P<name>[\w.\"]+)", re.IGNORECASE)

_ONLY_18 = (
    (r"\buuidv[47]\s*\(", "uuidv4() and uuidv7()"),
    (r"\b(?:casefold|crc32c?|array_sort|array_reverse|l?gamma)\s*\(", "a function that came with 18"),
    (r"\bwithout\s+overlaps\b", "temporal keys"),
    (r"\(\s*[\w\", ]*\bperiod\s+\w+\s*\)", "temporal foreign keys"),
    (r"\bnot\s+enforced\b", "constraints that are not enforced"),
    (r"\bnot\s+null\s+(?:[\w\"]+\s+)?not\s+valid\b", "not null as a constraint that is not valid"),
    (r"\breturning\s+(?:with\s*\(|[^;]*?\b(?:old|new)\s*\.)", "returning of old and new"),
    (r"\bpg_get_acl\b|\bfile_copy_method\b|\breject_limit\b", "a name that came with 18"),
    (r"\balter\s+constraint\s+[\w\"]+\s+(?:no\s+)?inherit\b", "inheritance of a constraint that is altered"),
)
_GENERATED = re.compile(r"\bgenerated\s+always\s+as\s*(?=\()", re.IGNORECASE)

_COMMENT_OR_STRING = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_BODY = re.compile(r"\$(?P<tag>\w*)\$.*?\$(?P=tag)\$", re.DOTALL)
_ALLOW = re.compile(r"^--\s*allow\s+(?P<rule>[\w-]+)\s*:\s*(?P<reason>\S.*)$", re.MULTILINE)
_AFTER = re.compile(r"^--\s*after:\s*(?P<stem>\w+)\s*$", re.MULTILINE)
_ALONE = re.compile(r"^--\s*alone:\s*\S+", re.MULTILINE)


def findings(files: Sequence[MigrationFile]) -> list[Finding]:
    """What the rules have against the files, in their order; empty: nothing."""
    found: list[Finding] = []
    for file in files:
        allowed = {match["rule"] for match in _ALLOW.finditer(file.sql)}
        ways = [f"{file.stem}.sql", f"{file.stem}.down.sql"]
        raised = [*_of_phase(file, files), *_only_18(ways[0], file.sql), *_only_18(ways[1], file.down or "")]
        found += [one for one in raised if one.rule not in allowed]
    return found


def _of_phase(file: MigrationFile, files: Sequence[MigrationFile]) -> Iterator[Finding]:
    if file.phase == "pre":
        yield from _yesterday(file)
        return
    after = _AFTER.search(file.sql)
    name = f"{file.stem}.sql"
    if after is None:
        if not _ALONE.search(file.sql):
            message = "a post says what it follows: `-- after: 0042_pre_name`, or `-- alone: why it follows none`"
            yield Finding(name, 1, "after", message)
    elif not any(each.stem == after["stem"] and each.phase == "pre" for each in files if each.version < file.version):
        yield Finding(name, _line(file.sql, after.start()), "after", f"there is no earlier pre named {after['stem']}")


def _yesterday(file: MigrationFile) -> Iterator[Finding]:
    statements = list(_statements(file.sql))
    new = {_plain(match["name"]) for _, text in statements if (match := _CREATED.match(text))}
    policies = {_plain(match["name"]) for _, text in statements if (match := _NEW_POLICY.match(text))}
    for place, text in statements:
        line = _line(file.sql, place)
        for rule in _YESTERDAY:
            match = rule.pattern.search(text)
            known = new | policies if rule.name == "drop-policy" else new
            if match and _plain(match["subject"]) not in known:
                yield Finding(f"{file.stem}.sql", line, rule.name, rule.message)
        if re.match(r"alter\s+table", text, re.IGNORECASE) and _needs_value(text):
            message = "yesterday's inserts do not give the new column: let it have a default, or be null"
            yield Finding(f"{file.stem}.sql", line, "add-not-null", message)


def _needs_value(statement: str) -> bool:
    for match in _ADD_COLUMN.finditer(statement):
        if match["column"].lower() in _ADD_OTHER:
            continue
        rest = match["rest"].lower()
        if re.search(r"\bnot\s+null\b|\bprimary\s+key\b", rest) and not re.search(r"\b(default|generated)\b", rest):
            return True
    return False


def _only_18(name: str, text: str) -> Iterator[Finding]:
    visible = _COMMENT_OR_STRING.sub(_blank, text)
    for pattern, what in _ONLY_18:
        for match in re.finditer(pattern, visible, re.IGNORECASE):
            yield Finding(name, _line(text, match.start()), "only-18", f"Postgres 17 does not know it: {what}")
    for match in _GENERATED.finditer(visible):
        if not re.match(r"\s*stored\b", visible[_closed(visible, match.end()) :], re.IGNORECASE):
            message = "Postgres 17 does not know it: a generated column that is not stored"
            yield Finding(name, _line(text, match.start()), "only-18", message)


def _closed(text: str, opened: int) -> int:
    """Behind the parenthesis that closes the one at `opened`."""
    depth = 0
    for place in range(opened, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    return len(text)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement with the place where it begins; comments, strings and bodies are blank."""
    visible = _COMMENT_OR_STRING.sub(_blank, _BODY.sub(_blank, text))
    for match in re.finditer(r"[^;]+", visible):
        statement = match.group().strip()
        if statement:
            yield match.start() + len(match.group()) - len(match.group().lstrip()), statement


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group())


def _plain(name: str) -> str:
    return name.replace('"', "").removeprefix("public.").lower()


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
