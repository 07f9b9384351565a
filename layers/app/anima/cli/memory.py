"""`anima memory`: what an avatar remembers of you; searched, corrected, pinned, forgotten, and taken back."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anima.cli import connection, output, own, past
from anima.kernel.errors import BadInput

if TYPE_CHECKING:
    import httpx

app = typer.Typer(
    help="Memory: show, search, correct, pin, forget, undo, import, transcripts, export, erase, sleep, gaps.",
    no_args_is_help=True,
)
past.register(app)
own.register(app)

Avatar = Annotated[str, typer.Argument(help="Name or id of the avatar.")]
Item = Annotated[str, typer.Argument(help="Id or value of a fact, or id or title of an episode.")]

_KINDS = {"facts": "value", "episodes": "title"}
_FACT_COLUMNS = ["key", "value", "status", "since", "until", "pinned", "source", "id"]
_EPISODE_COLUMNS = ["type", "title", "importance", "strength", "told", "fades", "pinned", "source", "id"]
_SECONDS_BETWEEN_LOOKS = 0.2


@app.command("show")
def show(
    avatar: Avatar,
    category: Annotated[str | None, typer.Option(help="Only facts of this category, as health.")] = None,
    history: Annotated[bool, typer.Option(help="Also facts that hold no more.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """The facts and episodes that an avatar keeps of you, with their dates, their strength and their source."""
    with connection.connected() as client:
        place = _place(client, avatar)
        asked = {"history": history, **({"category": category} if category else {})}
        facts = connection.everything(client, f"{place}/facts", **asked)
        episodes = [] if category else connection.everything(client, f"{place}/episodes")
    if as_json:
        output.print_json({"facts": facts, "episodes": episodes})
        return
    output.print_rows([_fact(one) for one in facts], _FACT_COLUMNS, as_json=False, empty="no facts yet")
    if episodes:
        print()
        output.print_rows([_episode(one) for one in episodes], _EPISODE_COLUMNS, as_json=False, empty="")


@app.command("search")
def search(
    avatar: Avatar,
    query: Annotated[str, typer.Argument(help="What to look for.")],
    top: Annotated[int, typer.Option(min=1, max=100, help="How many to show.")] = 10,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only these: message, fact, episode; may be given several times.")
    ] = None,
    transcript: Annotated[int | None, typer.Option(help="Only what this import brought (its document id).")] = None,
    at: Annotated[datetime | None, typer.Option(help="What was known then.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Find what an avatar remembers, as it would recall it itself, best first."""
    asked: dict[str, Any] = {"query": query, "top_k": top}
    asked |= {"kinds": kind} if kind else {}
    asked |= {"transcript_id": transcript} if transcript is not None else {}
    asked |= {"at": at.astimezone().isoformat()} if at is not None else {}
    with connection.connected() as client:
        hits = connection.checked(client.post(f"{_place(client, avatar)}/memories/search", json=asked))["hits"]
    rows = [{**hit, **hit["source"], "score": round(hit["score"], 3)} for hit in hits]
    columns = ["score", "kind", "text", "date", "speaker", "session"]
    output.print_rows(hits if as_json else rows, columns, as_json=as_json, empty="nothing of that is remembered")


@app.command("correct")
def correct(
    avatar: Avatar,
    item: Item,
    value: Annotated[str, typer.Argument(help="What it should be: the value of a fact, or the title of an episode.")],
    as_json: output.AsJson = False,
) -> None:
    """Correct a fact or the title of an episode; what it was stays as history, and `undo` takes it back."""
    with connection.connected() as client:
        kind, path = _meant(client, avatar, item)
        answer = client.patch(path, json={_KINDS[kind]: value})
        _changed(answer, "corrected", as_json=as_json)


@app.command("pin")
def pin(
    avatar: Avatar,
    item: Item,
    off: Annotated[bool, typer.Option("--off", help="Let it fade again.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Pin a fact or an episode, so that it is never forgotten."""
    with connection.connected() as client:
        _, path = _meant(client, avatar, item)
        _changed(client.patch(path, json={"pinned": not off}), "let go" if off else "pinned", as_json=as_json)


@app.command("forget")
def forget(
    avatar: Avatar,
    item: Item,
    now: Annotated[bool, typer.Option("--now", help="For good: it cannot be undone.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Forget one fact or episode; for a day `undo` brings it back."""
    with connection.connected() as client:
        _, path = _meant(client, avatar, item)
        _changed(client.delete(path, params={"now": True} if now else {}), "forgotten", as_json=as_json)


@app.command("undo")
def undo(
    avatar: Avatar,
    change: Annotated[str | None, typer.Argument(help="Id of the change; not given: the last one.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Take back a correction, a pin or a forgetting."""
    with connection.connected() as client:
        place = f"{_place(client, avatar)}/memories/changes"
        made = connection.everything(client, place)
        open_ones = [one for one in made if one["undone_at"] is None]
        known = [one for one in made if one["change_id"] == change] if change else open_ones[:1]
        if not known:
            raise BadInput(reason="there is no such change" if change else "there is nothing to undo")
        one = known[0]
        back = connection.checked(client.post(f"{place}/{one['change_id']}/undo"))
    if as_json:
        output.print_json({**back, "change_id": one["change_id"]})
    else:
        print(f"undone: {one['action']} {one['title']}".rstrip())


@app.command("sleep")
def sleep(
    avatar: Avatar,
    wait: Annotated[bool, typer.Option(help="Wait until it is awake again.")] = True,
    as_json: output.AsJson = False,
) -> None:
    """Have an avatar put its memory in order: duplicates are folded, what recurs becomes facts, what faded goes."""
    with connection.connected() as client:
        place = f"{_place(client, avatar)}/sleep"
        before = connection.checked(client.get(place))
        asked = connection.checked(client.post(place, json={}))
        while wait and (asked["state"] in ("queued", "asleep") or asked.get("begun_at") == before.get("begun_at")):
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            asked = connection.checked(client.get(place))
    if as_json or "steps" not in asked:
        output.print_fields(asked, as_json=as_json)
        return
    rows = [{**step, "counts": _counted(step["counts"])} for step in asked["steps"]]
    output.print_rows(rows, ["name", "state", "counts"], as_json=False, empty="there was nothing to do")


def _counted(counts: dict[str, int]) -> str:
    """What a step did: "3 episodes into 1"; empty where that is nothing."""
    told = ", ".join(f"{n} {what}" for what, n in counts.items() if n and what != "into")
    return f"{told} into {counts['into']}" if told and counts.get("into") else told


@app.command("gaps")
def gaps(
    avatar: Avatar,
    dismiss: Annotated[str | None, typer.Option(help="Id of one that the avatar shall leave alone.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """What an avatar would like to know, and what it has found out."""
    with connection.connected() as client:
        place = f"{_place(client, avatar)}/gaps"
        if dismiss is not None:
            connection.checked(client.patch(f"{place}/{dismiss}", json={"state": "dismissed"}))
        found = connection.everything(client, place)
    rows = [{**one, "found": (one.get("finding") or {}).get("text")} for one in found]
    columns = ["kind", "question", "state", "found", "gap_id"]
    output.print_rows(found if as_json else rows, columns, as_json=as_json, empty="it has no open questions")


def _place(client: httpx.Client, avatar: str) -> str:
    return f"/avatars/{connection.find_avatar(client, avatar)['avatar_id']}"


def _meant(client: httpx.Client, avatar: str, item: str) -> tuple[str, str]:
    """The kind and the address of the one fact or episode that is called so. Raises BadInput."""
    place = _place(client, avatar)
    meant = [
        (kind, f"{place}/{kind}/{one['id']}")
        for kind, name in _KINDS.items()
        for one in connection.everything(client, f"{place}/{kind}")
        if item.casefold() in (one["id"], str(one[name]).casefold())
    ]
    if len(meant) != 1:
        reason = f"{len(meant)} are called {item}; take the id" if meant else f"nothing is called {item}"
        raise BadInput(reason=f"{reason}; `anima memory show {avatar}` lists what there is")
    return meant[0]


def _changed(answer: httpx.Response, done: str, *, as_json: bool) -> None:
    """Says what was done, and by which id it can be undone."""
    connection.checked(answer)
    change = answer.headers.get("anima-change")
    if as_json:
        output.print_json({"done": done, "change_id": change})
        return
    print(done)


def _fact(fact: dict[str, Any]) -> dict[str, Any]:
    """A fact as a row: since when it holds, as far as that is known, else since when it is known."""
    since = fact.get("true_from") or fact.get("learned_at") or fact["first_mentioned"]
    until = fact.get("true_until") or fact.get("ended_at")
    return {**fact, "since": _day(since), "until": _day(until), "source": _message(fact["source"].get("message_id"))}


def _episode(episode: dict[str, Any]) -> dict[str, Any]:
    told = next(iter(episode["source"]["message_ids"]), None)
    strength = episode.get("strength")
    return {
        **episode,
        "importance": round(episode["importance"], 1),
        "strength": None if strength is None else round(strength, 2),
        "told": _day(episode["timestamp"]),
        "fades": "never" if episode["pinned"] else _day(episode["forget_at"]),
        "source": _message(told),
    }


def _message(message_id: int | None) -> str:
    return "" if message_id is None else f"message {message_id}"


def _day(moment: str | None) -> str:
    return (moment or "")[:10]
