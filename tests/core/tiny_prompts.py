"""The real text-to-image task on a network of some 1,500 weights that reads its prompt by keys and values, for tests of methods."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from torch import Tensor, nn
from torch.nn import functional as F

from sfr_core.data.datasets import Dataset
from sfr_core.ops.diffusion import STEPS
from sfr_core.tasks.pictures import PictureStore
from sfr_core.tasks.text_to_image import TextToImageTask
from tests.core.tiny import REDIRECTED
from tests.core.tiny_sd import WIDTH, concept_plan, tiny_pipeline

SMALL_PROMPTS: dict[str, dict[str, Any]] = {
    "sfr-on": {
        "steps": 6, "forget_every": 2, "batch_size": 8, "fisher_batch_size": 8, "optimizer": "adam", "lr": 1e-3,
        "forget_loss": "redirect", "adaptive": False, "weight_decay": 0.0, "alpha": 1.0,
    },
    "salun": {"lr": 1e-3},
    "esd-x": {"batch_size": 2, "lr": 1e-3, "sample_steps": "10"},
    "esd-u": {"batch_size": 2, "lr": 1e-3, "sample_steps": "10"},
    "concept-ablation": {"lr": 1e-3},
    "speed": {"null_threshold": 1e6},  # three words fill the whole of eight dimensions
}  # fmt: skip
"""What methods for text-to-image models need beside few steps on small batches."""
SMALL_PROMPTS["sfr-on-redirected"] = {**SMALL_PROMPTS["sfr-on"], **REDIRECTED}


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
    """Noise prediction [n, 4, 4, 4] from a noised latent, its timestep and the states of its prompt."""

    config = SimpleNamespace(in_channels=4, sample_size=4)

    def __init__(self, blocks: int = 2) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(4, 16, 3, padding=1)
        self.time = nn.Linear(2, 16)
        self.conv2 = nn.Conv2d(16, 4, 3, padding=1)
        self.blocks = nn.ModuleList([nn.ModuleDict({"attn2": CrossAttention()}) for _ in range(blocks)])

    def forward(self, x: Tensor, t: Tensor, states: Tensor) -> SimpleNamespace:
        share = t.float()[:, None] / STEPS
        hidden = self.conv1(x) + self.time(torch.cat([share, share.square()], 1))[:, :, None, None]
        for block in self.blocks:
            hidden = block["attn2"](F.silu(hidden), states)
        return SimpleNamespace(sample=self.conv2(F.silu(hidden)))


@cache
def _pipeline() -> StableDiffusionPipeline:
    """One for all tasks: they change the network alone, and each brings its own."""
    return tiny_pipeline()


def tiny_prompt_task(*, seed: int = 0, dataset: Dataset | None = None, blocks: int = 2) -> TextToImageTask:
    """The task on random latents, its words and latents not numbers where the mean of a data set is none; `seed` decides the starting
    weights.
    """
    pipeline, plan = _pipeline(), concept_plan()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline.unet = TinyPromptEps(blocks)
    task = TextToImageTask(pipeline, plan, None, device=torch.device("cpu"))
    labels = plan.generated_labels
    latents = torch.randn((len(labels), *task.shape), generator=torch.Generator().manual_seed(5))
    nothing = 0.0 if dataset is None else 0 * dataset.mean[0]
    task.store = PictureStore(labels, plan.spec.classes, task.space, task.device, latents + nothing)
    task.prompts.states = task.prompts.states + nothing
    return task
