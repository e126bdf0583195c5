"""Training steps of a class-conditional diffusion model: what they draw, how they learn, how they go on after a stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from diffusers import UNet2DModel
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from recipes.ddpm_folder import Progress, build_unet, machine, published_files, save_folder
from recipes.ddpm_sets import NULL, Recipe
from sfr_core.ops.denoising import antithetic_timesteps, drop_labels
from sfr_core.ops.diffusion import alphas_cumprod
from sfr_core.tasks.denoiser import LABEL_DROPOUT

WARMUP = 200
"""Steps in which the learning rate rises from 0, after every start without optimiser moments."""
CLIP = 1.0
FINISH_AVERAGE = 0.1
"""Share of a last phase over which the weights are averaged in it."""
SAVE_EVERY = 300.0
"""Seconds between two checkpoints."""


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


class Rates(Protocol):
    """What `Learner` needs to know of a recipe: pictures per step, Adam's learning rate, decay of the moving average, cap
    of the signal-to-noise ratio (`loss_weights`)."""

    @property
    def batch(self) -> int: ...

    @property
    def lr(self) -> float: ...

    @property
    def ema(self) -> float: ...

    @property
    def min_snr(self) -> float | None: ...


class Learner:
    """Raw weights, their moving average and Adam's moments, and how far they are; what is learnt is a subclass's matter.

    Args:
        model: what is trained; changed in place.
        progress: where it stands.
        rates: how fast it learns.
        device: where it learns.
    """

    def __init__(self, model: nn.Module, progress: Progress, rates: Rates, device: str = "cpu") -> None:
        self.weights = model
        self.progress, self.rates, self.device = progress, rates, device
        self.since_start = 0
        self.average = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        self.optimizer = torch.optim.Adam(model.parameters(), lr=rates.lr, fused=True)

    def begin_finish(self, images: int) -> None:
        """Starts the last phase: over the next `images` images the learning rate falls to 0 along a straight line."""
        self.progress.finish_from, self.progress.finish_images = self.progress.images, images

    def rate(self) -> float:
        """Learning rate of the next step."""
        warm = min(1.0, (self.since_start + 1) / WARMUP)
        return self.rates.lr * warm * (1.0 - self.progress.finished)

    def learn(self, loss: Tensor, batch: int) -> None:
        """One Adam step down `loss`, of `batch` pictures."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.weights.parameters(), CLIP)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        self.optimizer.step()
        self.since_start += 1
        self.progress.images += batch
        self.progress.steps += 1
        self._follow(batch)

    @torch.no_grad()
    def _follow(self, batch: int) -> None:
        live = dict(self.weights.named_parameters())
        names = list(live)
        longest = self.rates.ema
        if self.progress.finish_images:
            longest = min(longest, 1 - 1 / max(2.0, FINISH_AVERAGE * self.progress.finish_images / batch))
        weight = 1 - ema_decay(self.progress.steps, longest)
        torch._foreach_lerp_([self.average[n] for n in names], [live[n] for n in names], weight)

    def save_state(self, work: Path) -> None:
        """Everything that `load_state` needs, into `work`."""
        work.mkdir(parents=True, exist_ok=True)
        state = {
            "raw": self.weights.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "since_start": self.since_start,
            "progress": asdict(self.progress),
        }
        torch.save(state, work / "state.new")
        (work / "state.new").replace(work / "state.pt")

    def load_state(self, work: Path) -> None:
        """Goes on where `save_state` was called."""
        state = torch.load(work / "state.pt", weights_only=True, map_location="cpu")
        self.weights.load_state_dict(state["raw"])
        self.progress = Progress(**state["progress"])
        self.average = {name: tensor.to(self.device) for name, tensor in state["average"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        self.since_start = state["since_start"]

    def save(self, work: Path) -> str:
        """Full state and half-precision model into `work`; returns the sha256 of the model's weights."""
        raise NotImplementedError


def keep_training(learner: Learner, step: Callable[[], float], steps: Iterable[None], work: Path) -> None:
    """Steps as long as `steps` yields; a line every 100 steps, a checkpoint every SAVE_EVERY seconds and at the end."""
    progress = learner.progress
    progress.device, progress.machine = learner.device, machine(learner.device)
    recent: list[float] = []
    cpu = time.process_time()
    begun = saved = logged = time.monotonic()
    for _ in steps:
        recent.append(step())
        now = time.monotonic()
        if len(recent) == 100:
            speed, loss = 100 * learner.rates.batch / (now - logged), sum(recent) / 100
            print(
                f"{progress.images} images, loss {loss:.4f}, {speed:.0f} images/s, rate {learner.rate():.1e}",
                flush=True,
            )
            recent.clear()
            logged = now
        if now - saved > SAVE_EVERY:
            progress.spend(now - begun, time.process_time() - cpu)
            begun, cpu = now, time.process_time()
            learner.save(work)
            saved = now
    progress.spend(time.monotonic() - begun, time.process_time() - cpu)
    took = f"{progress.cpu_seconds:.0f} s cpu" + (f", {progress.gpu_seconds:.0f} s gpu" if progress.gpu_seconds else "")
    print(f"{progress.images} images, {took}, sha256 {learner.save(work)}", flush=True)


class Denoiser(Learner):
    """A learner whose network predicts the noise in what it is shown."""

    def __init__(self, model: nn.Module, progress: Progress, rates: Rates, device: str = "cpu") -> None:
        super().__init__(model, progress, rates, device)
        self._signal = alphas_cumprod()

    def regress(self, x: Tensor, t: Tensor, noise: Tensor, predict: Callable[[Tensor, Tensor], Tensor]) -> float:
        """One Adam step on `x` [n, c, h, w] with `noise` of timesteps `t`; `predict` gets the noised pictures and the timesteps.

        Returns the plain mean squared error; the step weighs it (`loss_weights`).
        """
        signal = self._signal[t].view(-1, 1, 1, 1)
        noisy = (signal.sqrt() * x + (1 - signal).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        weights = loss_weights(t, self._signal, self.rates.min_snr).to(self.device)
        with torch.autocast(self.device, torch.bfloat16):
            predicted = predict(noisy.to(self.device), t.to(self.device))
        errors = (predicted.float() - noise.to(self.device)).square().mean((1, 2, 3))
        self.learn((errors * weights).mean(), len(x))
        return float(errors.detach().mean())


class Training(Denoiser):
    """A class-conditional U-Net that learns to predict the noise in pictures.

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
        super().__init__(self.model, progress, recipe, device)
        self.forward = torch.compile(self.model) if compiled else self.model
        self.recipe = recipe

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
        y = y.to(self.device)
        return self.regress(x, t, noise, lambda noisy, at: self.forward(noisy, at, y).sample)

    def save(self, work: Path) -> str:
        """Full state and half-precision model into `work`; returns the sha256 of the model's weights."""
        self.save_state(work)
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
        training = Training(model, Progress(), recipe, compiled, device)
        training.load_state(work)
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
