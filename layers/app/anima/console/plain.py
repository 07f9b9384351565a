"""The console without JavaScript: pages rendered here, of which everything said or stored is escaped."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from anima.console import page
from anima.console.page import Page

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

    from anima.avatars.model import Avatar
    from anima.chat.model import Citation
    from anima.conversations.model import Message, Session
    from anima.knowledge.documents_model import ChunkInContext

ROOT = "/console/plain"
_MARKER = re.compile(r"\[(\d{1,3})\]")
_UNANSWERED = {
    "interrupted": "The answer was cut off. Send the message again to ask once more.",
    "failed": "There was no answer: the model could not give one. Send the message again when it can.",
    "pending": "The answer is on its way. Load the page again in a moment.",
}


@cache
def _markdown() -> MarkdownIt:
    """Markdown as text: HTML in it is shown, not obeyed, and nothing is loaded from elsewhere."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").disable("image")


def sign_in(wrong: str | None = None, back: str = ROOT) -> Page:
    """The form to sign in, with what was wrong about the last try."""
    body = f"""
        <h1>Anima</h1>
        {_alert(wrong)}
        <form method='post' action='{ROOT}/sign-in' class='stack'>
        <label>User name <input name='username' autocomplete='username' required autofocus></label>
        <label>Password <input name='password' type='password' autocomplete='current-password' required></label>
        <input type='hidden' name='back' value='{escape(back)}'>
        <button class='primary'>Sign in</button>
        </form>
        <p class='quiet'>The first start printed a name and a password; <code>anima user create</code> makes more, and
        <code>anima user link</code> helps who forgot a password.
        <a href='/console/welcome'>I have a link.</a></p>
    """
    return page.plain("Sign in", body)


def home(avatars: Sequence[Avatar], sessions: Sequence[Session]) -> Page:
    """Whom one can talk with, and the talks there were."""
    people = "".join(
        f"<li><a href='{ROOT}/avatars/{one.avatar_id}'>{escape(one.name)}</a> {_quiet(one.bio)}</li>" for one in avatars
    )
    talks = "".join(
        f"<li><a href='{ROOT}/sessions/{one.session_id}'>{escape(one.title or 'Untitled talk')}</a> "
        f"{_quiet(_when(one))}</li>"
        for one in sessions
    )
    nobody = "<p>You have no avatar yet: <code>anima avatar create Luna</code> makes one.</p>"
    body = f"""{_top()}<h1>Who would you like to talk with?</h1>
        {f"<ul>{people}</ul>" if people else nobody}
        <h2>Talks</h2>{f"<ul>{talks}</ul>" if talks else "<p>None yet. Choose somebody above and say hello.</p>"}"""
    return page.plain("Anima", body)


def talk(
    name: str,
    lines: Sequence[Message],
    citations: dict[int, list[Citation]],
    *,
    avatar_id: object = None,
    session_id: int | None = None,
    wrong: str | None = None,
    draft: str = "",
) -> Page:
    """A talk and the form to go on; `citations` by response."""
    said = "".join(_line(one, name, citations.get(one.response_id or 0, [])) for one in lines)
    hidden = {"avatar_id": avatar_id, "session_id": session_id, "key": uuid.uuid4()}
    fields = "".join(f"<input type='hidden' name='{k}' value='{escape(str(v))}'>" for k, v in hidden.items() if v)
    body = f"""{_top()}<h1>{escape(name)}</h1>
        {said or f"<p>Say hello to {escape(name)}.</p>"}
        {_alert(wrong)}
        <form method='post' action='{ROOT}/say' class='stack' id='say'>{fields}
        <label>Your message <textarea name='message' rows='4' required>{escape(draft)}</textarea></label>
        <button class='primary'>Send</button></form>
        <p class='quiet'>The answer takes as long as the model thinks; the page waits for it.</p>"""
    return page.plain(name, body)


def passage(chunk: ChunkInContext) -> Page:
    """What a citation points to, and what stands around it."""
    around = [(chunk.previous_text, "context"), (chunk.text, "cited"), (chunk.next_text, "context")]
    texts = "".join(f"<p class='{kind}'>{_lines(text)}</p>" for text, kind in around if text)
    body = f"{_top()}<h1>{escape(chunk.title)}</h1><p class='quiet'>{escape(place(chunk.location))}</p>{texts}"
    return page.plain(chunk.title, body)


def failed(detail: str) -> Page:
    """Something went wrong."""
    return page.plain("Something went wrong", f"{_top()}<h1>That did not work</h1>{_alert(detail)}")


def place(location: dict[str, Any]) -> str:
    """Where in its document a passage stands, in words."""
    found = [f"{name} {location[name]}" for name in ("page", "slide", "sheet") if location.get(name)]
    if location.get("row_start"):
        found.append(f"rows {location['row_start']} to {location.get('row_end', location['row_start'])}")
    if location.get("second_start") is not None:
        minutes, second = divmod(int(location["second_start"]), 60)
        found.append(f"minute {minutes}:{second:02}")
    found += [str(location[name]) for name in ("speaker", "heading") if location.get(name)]
    if location.get("line_start") and not location.get("row_start"):
        found.append(f"lines {location['line_start']} to {location.get('line_end', location['line_start'])}")
    return ", ".join(found)


def _line(message: Message, name: str, citations: Sequence[Citation]) -> str:
    if message.role != "assistant":
        note = _UNANSWERED.get(message.state or "")
        told = f"<p class='note'>{note}</p>" if note else ""
        return f"<article class='line user'><h2>You</h2><p>{_lines(message.content)}</p></article>{told}"
    known = {one.marker: one for one in citations}

    def linked(found: re.Match[str]) -> str:
        one = known.get(int(found[1]))
        return f"<a class='cite' href='{ROOT}/passages/{one.chunk_id}'>[{one.marker}]</a>" if one else found[0]

    text = _MARKER.sub(linked, _markdown().render(message.content))
    return (
        f"<article class='line'><h2>{escape(name)}</h2><div class='prose'>{text}</div>{_sources(citations)}</article>"
    )


def _sources(citations: Sequence[Citation]) -> str:
    if not citations:
        return ""
    items = "".join(
        f"<li><a href='{ROOT}/passages/{one.chunk_id}'>[{one.marker}] {escape(one.title)}</a> "
        f"{_quiet(place(one.location))}</li>"
        for one in citations
    )
    return f"<ul class='sources'>{items}</ul>"


def _when(session: Session) -> str:
    return ", ".join(filter(None, [session.avatar_name, f"{session.started_at:%d %b %Y}"]))


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _quiet(text: str) -> str:
    return f"<span class='quiet'>{escape(text)}</span>" if text else ""


def _alert(text: str | None) -> str:
    return f"<p class='alert' role='alert'>{escape(text)}</p>" if text else ""


def _top() -> str:
    leave = f"<form method='post' action='{ROOT}/sign-out'><button class='quiet-button'>Sign out</button></form>"
    return f"<nav class='plain-nav'><a href='{ROOT}'>Anima</a>{leave}</nav>"
