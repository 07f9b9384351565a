"""Parts of an Office file: which part refers to which, and where they lie in the archive."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from anima.vendors.readers import archive
from anima.vendors.readers.errors import Unreadable
from anima.vendors.readers.xml import Event, events

# Text that stands twice: drawn anew for older programs, and where it stood before it was moved.
_TWICE = {"Fallback", "moveFrom"}


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part refers to: the last word of the kind of relation (`slide`, `notesSlide`), and the other part."""

    kind: str
    part: str


def relations(zipped: zipfile.ZipFile, part: str) -> dict[str, Relation]:
    """The relations of a part by id, those to the outside left out; `part` is "" for the package itself."""
    folder, name = posixpath.split(part)
    found: dict[str, Relation] = {}
    for event in read_part(zipped, posixpath.join(folder, "_rels", f"{name}.rels"), optional=True):
        given = event.attributes
        if event.kind == "start" and event.name == "Relationship" and given.get("TargetMode") != "External":
            target = given.get("Target", "")
            path = posixpath.normpath(target.lstrip("/") if target[:1] == "/" else posixpath.join(folder, target))
            found[given.get("Id", "")] = Relation(given.get("Type", "").rpartition("/")[2], path)
    return found


def related(found: dict[str, Relation], kind: str) -> str | None:
    """The first part of a kind of relation."""
    return next((each.part for each in found.values() if each.kind == kind), None)


def main_part(zipped: zipfile.ZipFile) -> str:
    """The part that the package begins with. Raises Unreadable where there is none."""
    part = related(relations(zipped, ""), "officeDocument")
    if part is None:
        raise Unreadable(reason="the file is damaged: nothing says where it begins")
    return part


def read_part(zipped: zipfile.ZipFile, name: str | None, *, optional: bool = False) -> Iterator[Event]:
    """The XML of a part. One that is not there has nothing in it where it is optional; else Raises Unreadable."""
    if name is None or name not in zipped.NameToInfo:
        if optional:
            return
        raise Unreadable(reason=f"the file is damaged: its part {name} is missing")
    with archive.part(zipped, name) as stream:
        skipped = 0
        for event in events(stream):
            if event.kind != "text" and event.name in _TWICE:
                skipped += 1 if event.kind == "start" else -1
            elif not skipped:
                yield event
