"""Training steps of a class-conditional diffusion model: what they draw, how they learn, how they go on after a stop."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DModel
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from recipes.ddpm_folder import Progress, build_unet, published_files, save_folder
from recipes.ddpm_sets import NULL, Recipe
from sfr_core.ops.denoising import antithetic_timesteps, drop_labels
from sfr_core.ops.diffusion import alphas_cumprod
from sfr_core.tasks.ddpm import LABEL_DROPOUT

WARMUP = 200
"""Steps in which the learning rate rises from 0, after every start without optimiser moments."""
CLIP = 1.0
FINISH_AVERAGE = 0.1
"""Share of a last phase over which the weights are averaged in it."""


def to_pixels(images: NDArray[np.uint8]) -> Tensor:
    """uint8 [n, h, w, c] -> float32 [n, c, h, w] in [-1, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous()


def draw(seed: int, images: int) -> torch.Generator:
    """The generator of the step that begins after `images` images: resuming needs no generator state."""
    state = np.random.SeedSequence([seed, images]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) % 2**63)


def rows_at(seed: int, images: int, size: int, n: int) -> NDArray[np.int64]:
    """Rows of the pictures number `images` to `images + size - 1` of an endless stream of shuffled epochs over n rows."""
    numbers = np.arange(images, images + size)
    rows = np.empty(size, np.int64)
    for epoch in np.unique(numbers // n):
        here = numbers // n == epoch
        rows[here] = np.random.default_rng([seed, int(epoch)]).permutation(n)[numbers[here] % n]
    return rows


def loss_weights(t: Tensor, signal: Tensor, min_snr: float | None) -> Tensor:
    """min(SNR, cap) / SNR of each timestep (Hang et al. 2023, arXiv 2303.09556, for noise prediction); ones without a cap."""
    if min_snr is None:
        return torch.ones(len(t))
    snr = signal[t] / (1 - signal[t])
    return snr.clamp(max=min_snr) / snr


def ema_decay(steps: int, longest: float) -> float:
    """Averages over about the last ninth of a short training, and over 1 / (1 - longest) steps of a long one."""
    return min(longest, (1 + steps) / (10 + steps))


class Training:
    """Raw weights, their moving average and Adam's moments, and how far they are.

    Args:
        model: the network; changed in place, channels_last.
        progress: where it stands.
        recipe: how it learns.
        compiled: run the network through torch.compile, a third faster on a CPU (it needs a C++ compiler).
        device: where it learns.
    """

    def __init__(
        self, model: UNet2DModel, progress: Progress, recipe: Recipe, compiled: bool = False, device: str = "cpu"
    ) -> None:
        self.model = model.to(device, memory_format=torch.channels_last).train()
        self.forward = torch.compile(self.model) if compiled else self.model
        self.progress, self.recipe, self.device = progress, recipe, device
        self.since_start = 0
        self.average = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        self.optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr, fused=True)
        self._signal = alphas_cumprod()

    def begin_finish(self, images: int) -> None:
        """Starts the last phase: over the next `images` images the learning rate falls to 0 along a straight line."""
        self.progress.finish_from, self.progress.finish_images = self.progress.images, images

    def rate(self) -> float:
        """Learning rate of the next step."""
        warm = min(1.0, (self.since_start + 1) / WARMUP)
        return self.recipe.lr * warm * (1.0 - self.progress.finished)

    def step(self, images: Tensor, labels: Tensor, batch: int | None = None) -> float:
        """One Adam step on the next `batch` (default: the recipe's) of `images` [n, c, h, w] in [-1, 1]; the plain mean squared error."""
        batch = batch or self.recipe.batch
        at, seed = self.progress.images, self.progress.seed
        rows = torch.from_numpy(rows_at(seed, at, batch, len(labels)))
        rng = draw(seed, at)
        x, y = images[rows], drop_labels(labels[rows], NULL, LABEL_DROPOUT, rng)
        t = antithetic_timesteps(batch, rng)
        noise = torch.randn(x.shape, generator=rng)
        if self.recipe.mirror:
            flipped = torch.rand(batch, generator=rng) < 0.5
            x = torch.where(flipped.view(-1, 1, 1, 1), x.flip(3), x)
        signal = self._signal[t].view(-1, 1, 1, 1)
        noisy = (signal.sqrt() * x + (1 - signal).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        weights = loss_weights(t, self._signal, self.recipe.min_snr).to(self.device)
        with torch.autocast(self.device, torch.bfloat16):
            predicted = self.forward(noisy.to(self.device), t.to(self.device), y.to(self.device)).sample
        errors = (predicted.float() - noise.to(self.device)).square().mean((1, 2, 3))
        loss = (errors * weights).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        self.optimizer.step()
        self.since_start += 1
        self.progress.images += batch
        self.progress.steps += 1
        self._follow(batch)
        return float(errors.detach().mean())

    @torch.no_grad()
    def _follow(self, batch: int) -> None:
        live = dict(self.model.named_parameters())
        names = list(live)
        longest = self.recipe.ema
        if self.progress.finish_images:
            longest = min(longest, 1 - 1 / max(2.0, FINISH_AVERAGE * self.progress.finish_images / batch))
        weight = 1 - ema_decay(self.progress.steps, longest)
        torch._foreach_lerp_([self.average[n] for n in names], [live[n] for n in names], weight)

    def save(self, work: Path) -> str:
        """Full state and half-precision model into `work`; returns the sha256 of the model's weights."""
        work.mkdir(parents=True, exist_ok=True)
        state = {
            "raw": self.model.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "since_start": self.since_start,
            "progress": asdict(self.progress),
        }
        torch.save(state, work / "state.new")
        (work / "state.new").replace(work / "state.pt")
        return save_folder(self.average, work / "model", self.recipe.architecture)


def resume(
    work: Path,
    published: Path,
    recipe: Recipe,
    seed: int,
    *,
    without: str | None = None,
    compiled: bool = False,
    device: str = "cpu",
) -> Training:
    """The training in `work`, else one from the half-precision weights in `published`, else a fresh one.

    Raises:
        ValueError: what is there was begun with another seed.
    """
    model = build_unet(seed, recipe.architecture)
    begun = published_files(published, recipe, without)
    if (work / "state.pt").exists():
        state = torch.load(work / "state.pt", weights_only=True, map_location="cpu")
        model.load_state_dict(state["raw"])
        training = Training(model, Progress(**state["progress"]), recipe, compiled, device)
        training.average = {name: tensor.to(device) for name, tensor in state["average"].items()}
        training.optimizer.load_state_dict(state["optimizer"])
        training.since_start = state["since_start"]
    elif begun is not None:
        weights, said = begun
        model.load_state_dict({name: tensor.float() for name, tensor in load_file(weights).items()})
        progress = Progress(
            seed=said["seed"], images=said["images_seen"], steps=said["steps"], cpu_seconds=said["cpu_seconds"],
            restarts=said["restarts_from_half_precision"] + 1,
        )  # fmt: skip
        training = Training(model, progress, recipe, compiled, device)
    else:
        return Training(model, Progress(seed=seed), recipe, compiled, device)
    if training.progress.seed != seed:
        raise ValueError(f"The training in {work} or {published} has seed {training.progress.seed}, not {seed}.")
    return training


def progress_of(work: Path) -> Progress:
    """How far the training in `work` is.

    Raises:
        FileNotFoundError: there is none.
    """
    if not (work / "state.pt").exists():
        raise FileNotFoundError(f"{work} holds no training: start one with python -m recipes.ddpm.")
    state = torch.load(work / "state.pt", weights_only=True, map_location="cpu")
    return Progress(**state["progress"])
