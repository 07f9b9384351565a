"""Exports in every writing that phones and services have: who said what, and when."""

from __future__ import annotations

import io
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anima.vendors.readers.transcripts import NotATranscript, Spool, TranscriptDamaged, UnknownVersion, stream
from anima.vendors.readers.transcripts.model import moment
from anima.vendors.readers.transcripts.opening import opened
from anima.vendors.readers.transcripts.stamps import Ordering, dated, stamp
from anima.vendors.readers.transcripts.who import called, roles
from fixtures import exports

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def read(folder: Path, content: bytes | str, name: str | None = None) -> tuple[str, list[Any], Counter[str]]:
    """Whose a file is, its turns in order, and what was counted."""
    path = folder / "source"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "turns.db").unlink(missing_ok=True)
    spool = Spool(folder / "turns.db")
    try:
        with opened(path, name, None, NOW, lambda _done, _total: None) as found:
            counts = spool.fill(found.origin, found.turns, NOW)
            spool.name_roles(roles(spool.speakers(), [], ["Diego"], "Luna", found.counterpart))
        turns = [turn for each in spool.conversations() for turn in spool.turns(each.key, NOW)]
    finally:
        spool.close()
    return found.origin, turns, counts


LINES = [
    ("12/31/22, 11:59\u202fPM - Ana: hello", "2022-12-31T23:59:00"),
    ("31/12/2022, 23:59 - Ana: hello", "2022-12-31T23:59:00"),
    ("31.12.22, 23:59 - Ana: hello", "2022-12-31T23:59:00"),
    ("31-12-2022 23:59 - Ana: hello", "2022-12-31T23:59:00"),
    ("2022-12-31 23:59 - Ana: hello", "2022-12-31T23:59:00"),
    ("31/12/2022 à 23:59 - Ana: hello", "2022-12-31T23:59:00"),
    ("31/12/22, 11:59 p. m. - Ana: hello", "2022-12-31T23:59:00"),
    ("12/31/22, 12:05 a.m. - Ana: hello", "2022-12-31T00:05:00"),
    ("[31/12/2022, 23:59:58] Ana: hello", "2022-12-31T23:59:58"),
    ("[31.12.22, 23:59:58] Ana: hello", "2022-12-31T23:59:58"),
    ("\u200e[12/31/22, 11:59:58\u202fPM] Ana: hello", "2022-12-31T23:59:58"),
    ("[31/12/2022 à 23:59:58] Ana: hello", "2022-12-31T23:59:58"),
    ("[31.12.22 kl. 23.59.58] Ana: hello", "2022-12-31T23:59:58"),
    ("[2022/12/31 23:59:58] Ana: hello", "2022-12-31T23:59:58"),
    ("[2022/12/31 下午11:59:58] Ana: hello", "2022-12-31T23:59:58"),
    ("[2022. 12. 31. 오후 11:59:58] Ana: hello", "2022-12-31T23:59:58"),
    ("\u200f[\u200f٣١/١٢/٢٠٢٢, ١١:٥٩:٥٨ م] Ana: hello", "2022-12-31T23:59:58"),
]


@pytest.mark.parametrize(("line", "at"), LINES)
def test_the_writings_of_phones(tmp_path: Path, line: str, at: str) -> None:
    origin, turns, _ = read(tmp_path, f"{line}\nand on")
    assert origin == "whatsapp"
    assert [(turn.speaker, turn.text, turn.at.isoformat()) for turn in turns] == [
        ("Ana", "hello\nand on", f"{at}+00:00")
    ]


@pytest.mark.parametrize(
    ("days", "order"),
    [
        (["05/04/2021", "06/04/2021", "13/04/2021"], "dmy"),
        (["04/05/2021", "04/06/2021", "04/13/2021"], "mdy"),
        (["01/02/2021", "02/02/2021", "03/02/2021", "01/03/2021"], "dmy"),
        (["02/01/2021", "02/02/2021", "02/03/2021", "03/01/2021"], "mdy"),
        (["2021-04-05", "2021-04-13"], "ymd"),
        (["11/12/2025", "01/02/2026"], "mdy"),
    ],
)
def test_the_order_of_a_date_is_told_by_all_of_them(days: list[str], order: str) -> None:
    ordering = Ordering(NOW)
    for day in days:
        found = stamp(f"{day}, 10:00 - Ana: hello")
        assert found is not None
        ordering.look(found[0])
    assert ordering.order() == order


@given(st.datetimes(datetime(2010, 1, 1), datetime(2025, 12, 31)), st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]))
def test_every_minute_comes_back_in_the_order_that_it_was_written_in(at: datetime, form: str) -> None:
    found = stamp(f"[{at.strftime(form)}, {at:%H:%M:%S}] Ana: hello")
    assert found is not None
    assert found[1] == "Ana: hello"
    order = "dmy" if form.startswith("%d") else "mdy"
    assert dated(found[0], order) == at.replace(microsecond=0, tzinfo=UTC)


def test_what_a_phone_writes_itself_is_left_out(tmp_path: Path) -> None:
    chat = (
        "12/31/22, 11:00 PM - Messages and calls are end-to-end encrypted. Tap to learn more.\n"
        "12/31/22, 11:01 PM - Ana: <Media omitted>\n"
        "12/31/22, 11:02 PM - Ana: IMG-20221231-WA0001.jpg (file attached)\nlook at this\n"
        "12/31/22, 11:03 PM - Diego: nice <This message was edited>\n"
        "12/31/22, 11:04 PM - Ana: 5 < 7 and 7 > 5\n"
        "12/31/22, 11:05 PM - Ana: \n"
    )
    _, turns, counts = read(tmp_path, chat, "WhatsApp Chat with Ana.txt")
    assert [(turn.speaker, turn.text, turn.role) for turn in turns] == [
        ("Ana", "look at this", "other"),
        ("Diego", "nice", "me"),
        ("Ana", "5 < 7 and 7 > 5", "other"),
    ]
    assert (counts["system"], counts["media"], counts["empty"]) == (1, 1, 1)


def test_of_two_in_a_chat_the_one_it_is_not_with_is_its_owner(tmp_path: Path) -> None:
    chat = "01/02/2022, 10:00 - Ana: hello\n01/02/2022, 10:01 - D. S.: hello\n"
    _, turns, _ = read(tmp_path, chat, "Discussion WhatsApp avec Ana (1).txt")
    assert [turn.role for turn in turns] == ["other", "me"]
    _, turns, _ = read(tmp_path, chat, "chat.txt")
    assert [turn.role for turn in turns] == ["other", "other"], "nothing tells"


@pytest.mark.parametrize(
    ("names", "speakers", "counterpart", "mine"),
    [
        (["sam", "Sam Keller"], ["Sam Keller", "Nora"], None, {"Sam Keller"}),
        (["admin"], ["Sam Keller", "Nora Lindqvist"], "Nora", {"Sam Keller"}),
        (["admin"], ["Sam Keller", "Nora Lindqvist"], "nora lindqvist", {"Sam Keller"}),
        (["admin"], ["Sam Keller", "Nora Lindqvist"], None, set()),
        (["admin"], ["Sam", "Nora", "Ben"], "Nora", set()),
        (["admin"], ["Nora A", "Nora B"], "Nora", set()),
        (["sk", "Sam Keller"], ["Sam K.", "Nora"], None, {"Sam K."}),
        (["sk", "Sam Keller"], ["Keller, Sam", "Nora"], None, {"Keller, Sam"}),
        (["sam.keller"], ["Sam Keller", "Sam Lind"], None, {"Sam Keller"}),
        (["samkeller"], ["Sam Keller", "Sam Lind"], None, {"Sam Keller"}),
        (["rene", "Ren\u00e9 Faure"], ["Rene", "Nora"], None, {"Rene"}),
        (["anna", "Anna Lind"], ["Anna Berg", "Ben"], None, set()),
        (["sam", "Sam Keller"], ["Sam A", "Sam B"], None, set()),
        (["sk", "Sam Keller"], ["Uli Keller", "Nora"], None, set()),
        (["+41 79"], ["\U0001f33b", "+41 79"], None, {"+41 79"}),
    ],
)
def test_the_owner_is_known_by_name(
    names: list[str], speakers: list[str], counterpart: str | None, mine: set[str]
) -> None:
    found = roles(dict.fromkeys(speakers, 1), [], names, "Luna", counterpart)
    assert {each for each, role in found.items() if role == "me"} == mine


def test_what_the_owner_says_of_themselves_goes_before_all_else() -> None:
    speakers = {"Sam Keller": 2, "Nora Lindqvist": 1, "Claude": 1}
    assert roles(speakers, ["Nora"], ["Sam Keller"], "Luna", "Nora")["Nora Lindqvist"] == "me"
    assert roles(speakers, ["Claude"], ["Sam Keller"], "Luna", "Nora") == {
        "Sam Keller": "other",
        "Nora Lindqvist": "other",
        "Claude": "me",
    }
    assert called(speakers, ["Zoe"]) == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ana: hello\nBen: hi\nthere\nAna: bye", [("Ana", "hello"), ("Ben", "hi\nthere"), ("Ana", "bye")]),
        ("**Ana:** hello\n**Ben:** hi", [("Ana", "hello"), ("Ben", "hi")]),
        ("User: hello\nAssistant: hi\nUser: bye", [("User", "hello"), ("Assistant", "hi"), ("User", "bye")]),
        ("# 2024-05-01\nAna: hello\n\nBen: see https://a.b\n", [("Ana", "hello"), ("Ben", "see https://a.b")]),
        ("2024-05-01T10:00:00Z Ana: hello\n2024-05-01T10:01:00Z Ben: hi", [("Ana", "hello"), ("Ben", "hi")]),
        ("Ana (2024-05-01 10:00): hello\nBen (2024-05-01 10:01): hi", [("Ana", "hello"), ("Ben", "hi")]),
    ],
)
def test_plain_transcripts(tmp_path: Path, text: str, said: list[tuple[str, str]]) -> None:
    _, turns, _ = read(tmp_path, text)
    assert [(turn.speaker, turn.text) for turn in turns] == said
    if "2024" in text:
        assert {turn.at.date().isoformat() for turn in turns} == {"2024-05-01"}


@pytest.mark.parametrize(
    "text",
    [
        "Once upon a time there was a lake.\nIt had: colons.\nNobody spoke.",
        "import os\n\ndef main():\n    return {'a': 1}\n",
        "",
        "\n\n",
        "just one line",
    ],
)
def test_what_is_no_transcript(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotATranscript):
        read(tmp_path, text)


def test_chatgpt_without_a_current_node_gives_the_newest_branch(tmp_path: Path) -> None:
    talk = exports.chatgpt_talk(["hello", "hi", "how are you?", "well"], "k")
    talk["current_node"] = None
    hidden = {"is_visually_hidden_from_conversation": True}
    talk["mapping"]["k-m1"]["message"]["metadata"] = hidden
    _, turns, counts = read(tmp_path, json.dumps([talk]))
    assert [turn.text for turn in turns] == ["hello", "how are you?", "well"]
    assert counts["empty"] == 1


def test_a_circle_of_parents_ends(tmp_path: Path) -> None:
    talk = exports.chatgpt_talk(["hello", "hi"], "k")
    talk["mapping"]["k-m0"]["parent"] = "k-m1"
    _, turns, _ = read(tmp_path, json.dumps([talk]))
    assert sorted(turn.text for turn in turns) == ["hello", "hi"]


@pytest.mark.parametrize(
    "damage",
    [
        {"mapping": {"a": {"message": {"author": None}}}, "current_node": "a"},
        {"mapping": {"a": 7}, "current_node": "a"},
        {"mapping": {"a": {"message": {"author": {"role": "user"}, "content": 3}}}, "current_node": "a"},
        {"chat_messages": [7]},
        {"chat_messages": [{"sender": "human", "text": "a", "created_at": "never"}]},
    ],
)
def test_a_conversation_that_is_built_otherwise_is_of_an_unknown_version(tmp_path: Path, damage: Any) -> None:
    with pytest.raises(UnknownVersion):
        read(tmp_path, json.dumps([damage]))


@given(st.data())
def test_a_cut_export_is_never_taken_for_a_whole_one(data: st.DataObject) -> None:
    whole = json.dumps(exports.chatgpt(["hello", "hi"], ["é\u2028😀", "\\ud83d"])).encode()
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(TranscriptDamaged):
        _whole(io.BytesIO(whole[:cut]))


def _whole(file: Any) -> list[Any]:
    """The elements of an array, and nothing after it."""
    text = stream.opened(file, lambda _: None)
    found = list(stream.elements(text))
    stream.ended(text)
    return found


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


class Dribble(io.RawIOBase):
    """A file that gives a few bytes at a time, whatever it is asked for."""

    def __init__(self, content: bytes, at_once: int) -> None:
        self._content, self._at_once = io.BytesIO(content), at_once

    def read(self, _size: int = -1) -> bytes:
        return self._content.read(self._at_once)


@example([5e-324, 1.5, -2.5e30], 1, None)
@given(st.lists(VALUES, max_size=5), st.integers(1, 9), st.sampled_from([None, 1]))
def test_the_stream_reads_what_json_wrote(values: list[Any], at_once: int, indent: int | None) -> None:
    content = json.dumps(values, indent=indent, ensure_ascii=False).encode(errors="surrogatepass")
    try:
        content.decode()
    except UnicodeDecodeError:
        return
    assert _whole(Dribble(content, at_once)) == values


def test_turns_come_back_in_order_once(tmp_path: Path) -> None:
    turns = exports.turns(*[("me", f"line {number}") for number in range(5)])
    shuffled = [turns[3], turns[0], turns[4], turns[0], turns[2], turns[1]]
    _, found, counts = read(tmp_path, json.dumps({"turns": shuffled, "title": "late"}))
    assert [turn.text for turn in found] == [f"line {number}" for number in range(5)]
    assert (counts["out_of_order"], counts["repeated"], counts["turns"]) == (3, 1, 5)


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2023-05-08T13:56:00", "2023-05-08T13:56:00+00:00"),
        ("2023-05-08T13:56:00+02:00", "2023-05-08T11:56:00+00:00"),
        (1_683_554_160, "2023-05-08T13:56:00+00:00"),
        (1_683_554_160_000, "2023-05-08T13:56:00+00:00"),
        ("1:56 pm on 8 May, 2023", "2023-05-08T13:56:00+00:00"),
        ("Mon, 08 May 2023 13:56:00 +0000", "2023-05-08T13:56:00+00:00"),
    ],
)
def test_moments(value: Any, at: str) -> None:
    found = moment(value)
    assert found is not None
    assert found.isoformat() == at


@pytest.mark.parametrize("value", ["soon", True, [], 1e300, "0001-01-01T00:00:00+14:00"])
def test_what_is_no_moment(value: Any) -> None:
    with pytest.raises(ValueError, match="date"):
        moment(value)


_HUGE = "1" + "0" * 400
_OF_CHATGPT = (
    '[{"conversation_id": "c", "mapping": {"a": {"parent": null, "message": {"id": "a", "author": {"role": "user"},'
    ' "create_time": %s, "content": {"content_type": "text", "parts": ["hi"]}}}}, "current_node": "a"}]'
)


@pytest.mark.parametrize(
    "date",
    [
        *(_HUGE, f"-{_HUGE}", "1e400", "NaN", "-Infinity", "1" * 5000, '"0001-01-01T00:00:00+14:00"'),
        '"Mon, 1 Jan 99999999999999999999 00:00:00 +0000"',
        '"Mon, 1 Jan 2020 00:00:00 +99999999999999999999"',
    ],
)
def test_a_date_that_no_calendar_has_is_damage_and_nothing_else(tmp_path: Path, date: str) -> None:
    own = '{"turns": [{"speaker": "me", "text": "hi", "date": %s}]}'
    with pytest.raises(TranscriptDamaged):
        read(tmp_path, own % date)
    with pytest.raises((UnknownVersion, TranscriptDamaged)):
        read(tmp_path, _OF_CHATGPT % date)


def test_a_turn_of_endless_empty_lines_is_as_long_as_a_turn_may_be(tmp_path: Path) -> None:
    """Each line costs the same, however many there were: a file of nothing but line ends keeps nobody busy."""
    lines = "12/05/2023, 10:00 - Anna: hello\n"
    _, turns, _ = read(tmp_path, lines + "\n" * 200_000 + lines.replace("10:00", "10:01"))
    assert [turn.text for turn in turns] == ["hello", "hello"]
    _, turns, _ = read(tmp_path, "Anna: hi\nBob: yo\n" + "\n" * 200_000 + "Anna: x\nBob: z\n")
    assert [turn.text for turn in turns] == ["hi", "yo", "x", "z"]


def test_blanks_before_a_sign_keep_nobody_busy(tmp_path: Path) -> None:
    line = "12/05/2023, 10:00 - Anna: <" + " " * 99_000 + "x\n"
    _, turns, _ = read(tmp_path, line)
    assert len(turns[0].text) > 99_000
    with pytest.raises(UnknownVersion):
        read(tmp_path, b"[" + b" " * 20_000_000 + b"1]")
