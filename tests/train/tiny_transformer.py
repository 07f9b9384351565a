"""A small transformer of torch that is really trained: dropout, AdamW, a schedule, a scaler, shuffled data."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from torch import nn

WORDS, WIDTH, LENGTH, ROWS, BATCH = 32, 16, 12, 40, 8


class Tiny(nn.Module):
    """Two blocks; the head has the weights of the embedding."""

    def __init__(self, width: int = WIDTH, dropout: float = 0.1) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, width)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 2, 2 * width, dropout, batch_first=True) for _ in range(2)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, WORDS, bias=False)
        self.head.weight = self.embedding.weight
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Logits of the next word, shape (batch, length, WORDS)."""
        self.seen += 1
        inner = self.embedding(words)
        for block in self.blocks:
            inner = block(inner)
        return self.head(self.norm(inner))


class Training:
    """All that a run consists of, from fixed seeds."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        random.seed(5)
        np.random.seed(5)
        torch.manual_seed(5)
        self.model = Tiny()
        self.optimizer = torch.optim.AdamW(
            [{"params": [self.model.embedding.weight], "weight_decay": 0.0}, {"params": self.others()}], lr=3e-3
        )
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, max_lr=3e-3, total_steps=2000)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=7)
        self.generator = torch.Generator().manual_seed(11)
        self.data = torch.randint(WORDS, (ROWS, LENGTH), generator=torch.Generator().manual_seed(1))
        self.place: dict[str, Any] = {"order": torch.arange(ROWS), "next": ROWS, "epoch": 0}

    def others(self) -> list[nn.Parameter]:
        return [one for name, one in self.model.named_parameters() if name != "embedding.weight"]

    def step(self) -> float:
        """One batch; its loss."""
        if self.place["next"] >= ROWS:
            order = torch.randperm(ROWS, generator=self.generator)
            self.place |= {"order": order, "next": 0, "epoch": self.place["epoch"] + 1}
        rows = self.place["order"][self.place["next"] : self.place["next"] + BATCH]
        self.place["next"] += BATCH
        words = self.data[rows].roll(random.randrange(LENGTH), dims=1)  # noqa: S311
        logits = self.model(words[:, :-1])
        loss = nn.functional.cross_entropy(logits.reshape(-1, WORDS), words[:, 1:].reshape(-1))
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.scheduler.step()
        return loss.item()

    def save(self, run: Any, step: int, **more: Any) -> Any:
        return run.save(self.model, self.optimizer, step=step, **self.more(), **more)

    def resume(self, run: Any, **more: Any) -> Any:
        return run.resume(self.model, self.optimizer, **self.more(), **more)

    def more(self) -> dict[str, Any]:
        rest = {"scheduler": self.scheduler, "scaler": self.scaler, "data_position": self.place}
        return {"rng": {"data": self.generator}, **rest}


def same(left: Any, right: Any) -> bool:
    """Whether two states are the same to the bit, types included."""
    if isinstance(left, torch.Tensor):
        kind = left.dtype == right.dtype and left.shape == right.shape
        return kind and torch.equal(
            left.contiguous().view(-1).view(torch.uint8), right.contiguous().view(-1).view(torch.uint8)
        )
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(one, right[name]) for name, one in left.items())
    if isinstance(left, list | tuple):
        return type(left) is type(right) and len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right
