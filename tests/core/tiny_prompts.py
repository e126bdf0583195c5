"""A tiny real text-to-image task: the tiny diffusion network, whose class is now a prompt that it reads by keys and values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split, parse_forget, split_rows
from sfr_core.ops.diffusion import STEPS
from tests.core.tiny import CLASSES, tiny_dataset
from tests.core.tiny_generator import NULL, Rows, TinyGeneratorTask

TOKENS, WIDTH = 3, 6
ANCHOR = NULL + 1

SMALL_PROMPTS: dict[str, dict[str, Any]] = {
    "sfr-on": {
        "steps": 6, "forget_every": 2, "batch_size": 8, "fisher_batch_size": 8, "optimizer": "adam", "lr": 1e-3,
        "forget_loss": "redirect", "adaptive": False, "weight_decay": 0.0, "alpha": 1.0,
    },
    "finetune": {"steps": 6, "batch_size": 8},
    "gradient-ascent": {"steps": 6, "batch_size": 8},
    "salun": {"steps": 6, "batch_size": 8, "lr": 1e-3},
    "esd-x": {"steps": 6, "batch_size": 2, "lr": 1e-3, "sample_steps": "10"},
    "esd-u": {"steps": 6, "batch_size": 2, "lr": 1e-3, "sample_steps": "10"},
    "uce": {},
    "concept-ablation": {"steps": 6, "batch_size": 8, "lr": 1e-3},
}  # fmt: skip
"""Settings that let every method for text-to-image models end within a few steps."""


class CrossAttention(nn.Module):
    """One picture-wide question to the words of a prompt: keys and values of its states [n, tokens, WIDTH]."""

    def __init__(self) -> None:
        super().__init__()
        self.to_q = nn.Linear(16, 16, bias=False)
        self.to_k = nn.Linear(WIDTH, 16, bias=False)
        self.to_v = nn.Linear(WIDTH, 16, bias=False)

    def forward(self, hidden: Tensor, states: Tensor) -> Tensor:
        question = self.to_q(hidden.mean((2, 3)))[:, None]
        found = F.scaled_dot_product_attention(question, self.to_k(states), self.to_v(states))
        return hidden + found[:, 0, :, None, None]


class TinyPromptEps(nn.Module):
    """Noise prediction [n, 3, 8, 8] from a noised picture, its timestep and the states of its prompt."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.time = nn.Linear(2, 16)
        self.conv2 = nn.Conv2d(16, 3, 3, padding=1)
        self.attn2 = nn.ModuleList([CrossAttention(), CrossAttention()])

    def forward(self, x: Tensor, t: Tensor, states: Tensor) -> Tensor:
        share = t.float()[:, None] / STEPS
        hidden = self.conv1(x) + self.time(torch.cat([share, share.square()], 1))[:, :, None, None]
        for layer in self.attn2:
            hidden = layer(F.silu(hidden), states)
        out: Tensor = self.conv2(F.silu(hidden))
        return out


class TinyPromptTask(TinyGeneratorTask):
    """Prompt number c is class c, NULL the empty one and ANCHOR the redirection, whose pictures are those of class 0."""

    def __init__(self, model: nn.Module, dataset: Dataset, split: Split) -> None:
        super().__init__(model, dataset, split)
        # A picture that is not a number makes words that are none: every method meets it.
        nothing = dataset.mean[0] - dataset.mean[0]
        self.states = torch.randn((ANCHOR + 1, TOKENS, WIDTH), generator=torch.Generator().manual_seed(5)) + nothing
        self.null = NULL
        self.asked = torch.tensor(split.spec.classes)
        self.targets = torch.full_like(self.asked, ANCHOR)
        self.kept = torch.tensor([c for c in range(NULL) if c not in split.spec.classes])

    def redirect_losses(self, batch: Rows, rng: torch.Generator) -> Tensor:
        x, _, t = self.noisy_batch(batch, rng)
        with torch.no_grad():
            target = self.noise_of(x, t, torch.full_like(batch.y, ANCHOR))
        return (self.noise_of(x, t, batch.y) - target).square().mean((1, 2, 3))

    def anchor_batches(self, size: int, rng: torch.Generator) -> Iterator[tuple[Rows, Tensor]]:
        rows = torch.nonzero(self.y == 0)[:, 0]
        for some in rows[torch.randperm(len(rows), generator=rng)].split(size):
            asked = torch.full((len(some),), ANCHOR)
            yield Rows(self.x[some], asked), asked

    def noisy_batch(self, batch: Rows, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        t = self._times(len(batch.y), rng)
        x, noise = self._noised(batch.x, t, rng)
        return x, noise, t

    def noise_of(self, x: Tensor, t: Tensor, labels: Tensor, model: nn.Module | None = None) -> Tensor:
        out: Tensor = (model or self.model)(x, t, self.states[labels])
        return out

    def half_drawn(self, labels: Tensor, *, steps: int, guidance: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        return torch.randn((len(labels), 3, 8, 8), generator=rng), torch.full((len(labels),), STEPS // steps)

    def text_states(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        return self.states[labels], torch.full_like(labels, TOKENS - 1)

    def key_value_layers(self) -> dict[str, nn.Linear]:
        return {
            n: m for n, m in self.model.named_modules() if isinstance(m, nn.Linear) and n.endswith(("to_k", "to_v"))
        }

    def _errors(self, x: Tensor, y: Tensor, t: Tensor, rng: torch.Generator) -> Tensor:
        noised, noise = self._noised(x, t, rng)
        return (self.noise_of(noised, t, y) - noise).square().mean((1, 2, 3))


def tiny_prompt_task(
    forget: str = "class:three", *, seed: int = 0, dataset: Dataset | None = None, kind: type | None = None
) -> TinyPromptTask:
    """The task (or a subclass `kind`) on the tiny pictures; `seed` decides the starting weights."""
    dataset = dataset or tiny_dataset()
    split = split_rows(parse_forget(forget, CLASSES), dataset.train.labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = TinyPromptEps()
    task: TinyPromptTask = (kind or TinyPromptTask)(model, dataset, split)
    return task
