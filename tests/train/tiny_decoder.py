"""A small decoder of torch with fused attention, grouped keys, and a cache of keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

WORDS, WIDTH, HEADS, GROUPS, BLOCKS, LENGTH = 53, 32, 4, 2, 4, 64
Pair = tuple[torch.Tensor, torch.Tensor]


class Attention(nn.Module):
    """Four heads of queries, two of keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.dim = WIDTH // HEADS
        self.q, self.o = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.k, self.v = nn.Linear(WIDTH, GROUPS * self.dim), nn.Linear(WIDTH, GROUPS * self.dim)

    def forward(self, x: torch.Tensor, before: Pair | None, made: list[Pair], mask: torch.Tensor | None) -> Any:
        q, k, v = (one(x).unflatten(-1, (-1, self.dim)).transpose(1, 2) for one in (self.q, self.k, self.v))
        if before is not None:
            k, v = torch.cat([before[0], k], 2), torch.cat([before[1], v], 2)
        made.append((k, v))
        seen = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[2])
        seen = seen if mask is None else seen & mask[:, None, None, :]
        out = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen, enable_gqa=True)
        return self.o(out.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and feedforward, each after a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.attention, self.second = nn.LayerNorm(WIDTH), Attention(), nn.LayerNorm(WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self._computed = 0

    def forward(self, x: torch.Tensor, before: Pair | None, made: list[Pair], mask: torch.Tensor | None) -> Any:
        self._computed += x.shape[1]
        x = x + self.attention(self.first(x), before, made, mask)
        return x + self.down(functional.gelu(self.up(self.second(x))))


class Decoder(nn.Module):
    """Logits of the next word; what it keeps of what it read lies in `cache`."""

    def __init__(self, seed: int = 3) -> None:
        torch.manual_seed(seed)
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WORDS)
        self.cache: list[Pair] = []

    def forward(self, words: torch.Tensor, mask: torch.Tensor | None = None, past: Sequence[Pair] = ()) -> Any:
        start, made = past[0][0].shape[2] if past else 0, list[Pair]()
        x = self.words(words) + self.places(torch.arange(start, start + words.shape[1]))
        for number, block in enumerate(self.blocks):
            x = block(x, past[number] if past else None, made, mask)
        self.cache = made
        return self.head(self.norm(x))

    def computed(self) -> int:
        """How many positions its blocks have computed, counted by block."""
        return sum(block._computed for block in self.blocks)

    @torch.no_grad()
    def generate(self, row: Sequence[int], n: int, past: Sequence[Pair] = ()) -> tuple[list[int], list[torch.Tensor]]:
        """The likeliest next words, and the logits of each."""
        words, logits = list(row), []
        for _ in range(n):
            done = past[0][0].shape[2] if past else 0
            logits.append(self(torch.tensor([words[done:]]), past=past)[0, -1])
            past = self.cache
            words.append(int(logits[-1].argmax()))
        return words, logits
