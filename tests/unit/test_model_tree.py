"""The tree that `anima model show` draws."""

from __future__ import annotations

import re

from anima.cli.model_tree import Leaf, lines


def block(number: int, width: int = 4) -> list[Leaf]:
    at = f"model.layers.{number}"
    return [
        Leaf(f"{at}.attn.q.weight", (width, width), "float32"),
        Leaf(f"{at}.attn.q.bias", (width,), "float32"),
        Leaf(f"{at}.norm.weight", (width,), "float32"),
    ]


def names(drawn: list[str]) -> list[str]:
    return [found[1] for found in map(re.compile(r"[├└]─ (\S+)").search, drawn) if found]


def test_blocks_that_are_alike_are_drawn_once_and_counted_together() -> None:
    drawn = lines([Leaf("model.embed.weight", (10, 4), "float32"), *block(0), *block(1), *block(2)])
    assert drawn[0].split()[-1] == str(40 + 3 * 24)
    together = next(line for line in drawn if "3 alike" in line)
    assert "0-2" in together
    assert together.endswith(" 72")
    assert sum("q  weight 4 x 4, bias 4 float32" in line for line in drawn) == 1
    assert sum("attn" in line for line in lines([*block(0), *block(1)], whole=True)) == 2


def test_a_block_that_differs_stands_alone() -> None:
    drawn = lines([*block(0), *block(1), *block(2, width=8), *block(3)])
    assert names([line for line in drawn if "alike" in line]) == ["0-1"]
    assert [name for name in names(drawn) if name[0].isdecimal()] == ["0-1", "2", "3"]


def test_it_is_drawn_from_the_input_on_whatever_the_order_of_the_files() -> None:
    kinds = {"model.embed": "embedding", "model.layers.2.attn": "attention", "model.head": "output"}
    head, embed = Leaf("model.head.weight", (4,), "float32"), Leaf("model.embed.weight", (4,), "float32")
    drawn = names(lines([head, *block(10), *block(2, 8), embed], kinds))
    assert [name for name in drawn if name in ("embed", "layers", "2", "10", "head")] == [
        "embed",
        "layers",
        "2",
        "10",
        "head",
    ]
    assert any("embedding" in line for line in lines([embed], kinds))


def test_no_line_is_wider_than_asked_and_names_cannot_write_on_the_terminal() -> None:
    nasty = Leaf("a\x1b[2J\u202e" + "b" * 300 + "." + "c" * 90, (2, 3), "float32")
    drawn = lines([nasty, *block(0)], width=60)
    assert max(map(len, drawn)) <= 60
    assert not any("\x1b" in line or "\u202e" in line for line in drawn)


def test_a_weight_without_modules_and_a_scalar_are_lines() -> None:
    assert lines([Leaf("x", (), "float32")]) == [f"{'└─ x  scalar float32':<77}  1"]
    assert lines([]) == []
    deep = lines([Leaf(".".join("a" * 240), (1,), "float32"), Leaf("b.c", (1,), "float32")])
    assert len(deep) == 2
