"""Search in the person's own documents as a plugin: numbered passages that an answer can cite."""

from __future__ import annotations

from typing import Any

from anima.kernel import db
from anima.knowledge import service as knowledge
from anima.plugins.builtin import TOOLS
from anima.plugins.plugin import Context, Plugin, Result, Tool, ToolFailed
from anima.vendors.embeddings import question as questions

_USUAL = 5
_PASSAGE_CHARS = 1_500


def _run(arguments: dict[str, Any], context: Context) -> Result:
    house = context.house
    if house is None or house.principal.user_id is None:
        raise ToolFailed("There is nobody to search for.")
    owner_id, count = house.principal.user_id, int(arguments.get("count", _USUAL))
    question = questions.ask(arguments["query"], tenant=owner_id)
    with db.transaction(house.principal) as tx:
        pending = knowledge.begin_search(tx, owner_id, question, count)
    hits = pending.hits()[:count]
    if not hits:
        return Result("Nothing was found in the documents.")
    told = [
        f"[{number}] {hit.title}{f' ({hit.source_uri})' if hit.source_uri else ''}\n{hit.text[:_PASSAGE_CHARS]}"
        for number, hit in enumerate(hits, house.cited + 1)
    ]
    return Result("\n\n".join(told), hits=hits)


_SPEC = TOOLS["search"][0]
PLUGIN = Plugin("search", "1", [Tool(_SPEC.name, _SPEC.description, _SPEC.parameters, _run, outside=False)])
