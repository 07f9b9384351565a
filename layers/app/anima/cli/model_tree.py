"""A model as a tree of text: modules by their dotted names, with parameter counts, blocks that are alike drawn once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

WIDTH = 80
_LEAST_LABEL = 20
_LAST = 1 << 30


@dataclass(frozen=True, slots=True)
class Leaf:
    """A weight: its dotted name, shape and type."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def parameters(self) -> int:
        """How many numbers it holds; 1 for a scalar."""
        n = 1
        for length in self.shape:
            n *= length
        return n

    def told(self) -> str:
        """The shape as people write it: 768 x 2304."""
        return " x ".join(map(str, self.shape)) or "scalar"


@dataclass(slots=True)
class _Module:
    name: str
    inner: dict[str, _Module] = field(default_factory=dict)
    leaf: Leaf | None = None
    kind: str | None = None
    place: int = _LAST

    @property
    def parameters(self) -> int:
        own = self.leaf.parameters if self.leaf else 0
        return own + sum(one.parameters for one in self.inner.values())

    def shape(self) -> object:
        """What two modules that are alike have in common: everything but the name."""
        leaf = (self.leaf.shape, self.leaf.dtype) if self.leaf else None
        return self.kind, leaf, tuple((name, one.shape()) for name, one in sorted(self.inner.items()))

    def settle(self) -> int:
        """Puts what is in it into the order from the input on; its own place in that."""
        places = {name: one.settle() for name, one in self.inner.items()}
        known = sorted(self.inner.items(), key=lambda at: (places[at[0]], int(at[0]) if at[0].isdecimal() else 0))
        self.inner = dict(known)
        return min(self.place, min(places.values(), default=_LAST))


@dataclass(frozen=True, slots=True)
class _Line:
    depth: str
    label: str
    count: str


def lines(
    weights: Sequence[Leaf], kinds: Mapping[str, str] | None = None, *, whole: bool = False, width: int = WIDTH
) -> list[str]:
    """The tree, a line for each module, none wider than `width` where the names allow it.

    `kinds` says by dotted name what a module is (attention, normalization, ...), in the order from the input on. Blocks
    that are numbered and alike are drawn once, unless `whole`.
    """
    top = _grown(weights, kinds or {})
    drawn = list(_drawn(top, "", whole=whole))
    counts = max((len(line.count) for line in drawn), default=0)
    room = max(width - counts - 2, _LEAST_LABEL)
    return [_laid(line, room, counts) for line in drawn]


def _grown(weights: Sequence[Leaf], kinds: Mapping[str, str]) -> _Module:
    top, order = _Module(""), {name: place for place, name in enumerate(kinds)}
    for weight in weights:
        place, path = top, ""
        for part in weight.name.split("."):
            path = f"{path}.{part}" if path else part
            made = _Module(part, kind=kinds.get(path), place=order.get(path, _LAST))
            place = place.inner.setdefault(part, made)
        place.leaf = weight
    top.settle()
    return top


def _drawn(module: _Module, depth: str, *, whole: bool) -> Iterator[_Line]:
    groups = _groups([_short(one) for one in module.inner.values()], whole=whole)
    for place, alike in enumerate(groups):
        last = place == len(groups) - 1
        first = alike[0]
        mark, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield _Line(depth + mark, _label(first, alike), f"{sum(one.parameters for one in alike):,}")
        if not _small(first):
            yield from _drawn(first, depth + below, whole=whole)


def _short(module: _Module) -> _Module:
    """A chain of modules that hold one thing each, as one: `transformer.h`."""
    while module.leaf is None and len(module.inner) == 1 and not _small(module):
        (only,) = module.inner.values()
        if only.name.isdecimal():
            break
        module = _Module(f"{module.name}.{only.name}", only.inner, only.leaf, only.kind or module.kind, module.place)
    return module


def _groups(modules: Sequence[_Module], *, whole: bool) -> list[list[_Module]]:
    """Neighbours that are numbered and alike stand together."""
    if whole:
        return [[one] for one in modules]
    numbered = groupby(enumerate(modules), lambda at: at[1].shape() if at[1].name.isdecimal() else at[0])
    return [[one for _, one in alike] for _, alike in numbered]


def _small(module: _Module) -> bool:
    """Whether a module holds but a weight and a bias or the like: it is one line with them."""
    inner = module.inner.values()
    return all(one.leaf is not None and not one.inner for one in inner) and len(module.inner) <= 2


def _label(module: _Module, alike: Sequence[_Module]) -> str:
    if len(alike) > 1:
        return f"{alike[0].name}-{alike[-1].name}  {len(alike)} alike, each {alike[0].parameters:,}"
    told = [module.name]
    if module.kind:
        told.append(module.kind)
    if module.leaf is not None:
        told.append(f"{module.leaf.told()} {module.leaf.dtype}")
    elif _small(module):
        told.append(_told_inside(list(module.inner.values())))
    return "  ".join(told)


def _told_inside(inner: Sequence[_Module]) -> str:
    shapes = [f"{one.name} {one.leaf.told()}" for one in inner if one.leaf is not None]
    types = {one.leaf.dtype for one in inner if one.leaf is not None}
    return f"{', '.join(shapes)} {'/'.join(sorted(types))}"


def _laid(line: _Line, room: int, counts: int) -> str:
    label = line.depth + "".join(letter if letter.isprintable() else "?" for letter in line.label)
    if len(label) > room:
        label = label[: room - 1] + "…"
    return f"{label:<{room}}  {line.count:>{counts}}"
