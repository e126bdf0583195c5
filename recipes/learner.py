"""How the generators and their autoencoder learn: what a step draws, how it changes the weights, what is kept for the next start."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sfr_core.ops.device import device_name
from sfr_core.ops.diffusion import alphas_cumprod

STATE = "state.pt"
"""The full state of a training, in its folder."""
WARMUP = 200
"""Steps in which the learning rate rises from 0, after every start without optimiser moments."""
CLIP = 1.0
FINISH_AVERAGE = 0.1
"""Share of a last phase over which the weights are averaged in it."""


@dataclass(slots=True)
class Progress:
    """How far a training is.

    `restarts` counts the starts from half-precision weights, without optimiser moments. In a last phase the learning rate
    falls to 0 over `finish_images` images from `finish_from` on; `finish_images` is 0 before it. `device` and `machine` are where it learned
    last; on a GPU `gpu_seconds`, wall time, count and `cpu_seconds` do not. `text_until`: images after which the text encoder
    of a text-to-image model no longer learned; None while it does.
    `folder`: whether the pictures came from a folder that was named, and not from the usual place.
    """

    seed: int = 0
    images: int = 0
    steps: int = 0
    cpu_seconds: float = 0.0
    restarts: int = 0
    finish_from: int = 0
    finish_images: int = 0
    device: str = "cpu"
    machine: str = ""
    gpu_seconds: float = 0.0
    text_until: int | None = None
    folder: bool = False

    def spend(self, wall: float, cpu: float) -> None:
        """Counts the seconds of a stretch of training by the clock of its device."""
        if self.device == "cpu":
            self.cpu_seconds += cpu
        else:
            self.gpu_seconds += wall

    @property
    def finished(self) -> float:
        """Share of the last phase that is over, 0 to 1; 0 before it."""
        if not self.finish_images:
            return 0.0
        return min(1.0, (self.images - self.finish_from) / self.finish_images)


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How something learns.

    Attributes:
        batch, lr, ema: pictures per step, Adam's learning rate, decay of the moving average.
        min_snr: cap of the signal-to-noise ratio in the loss weights (`loss_weights`); None weighs all steps equally.
    """

    batch: int
    lr: float
    ema: float
    min_snr: float | None = None


def machine(device: str = "cpu") -> str:
    """What trains, in words."""
    name = "CPU" if device == "cpu" else device_name(torch.device(device))
    return f"{platform.machine()}, {name}, torch {torch.__version__}"


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Fresh weights that are made inside are those of `seed`; torch's own generator is as before afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


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


def flip_half(x: Tensor, rng: torch.Generator) -> Tensor:
    """Each of the pictures [n, c, h, w] as it is or mirrored, with equal chances."""
    flipped = torch.rand(len(x), generator=rng) < 0.5
    return torch.where(flipped.view(-1, 1, 1, 1), x.flip(3), x)


def loss_weights(t: Tensor, signal: Tensor, min_snr: float | None) -> Tensor:
    """min(SNR, cap) / SNR of each timestep (Hang et al. 2023, arXiv 2303.09556, for noise prediction); ones without a cap."""
    if min_snr is None:
        return torch.ones(len(t))
    snr = signal[t] / (1 - signal[t])
    return snr.clamp(max=min_snr) / snr


def ema_decay(steps: int, longest: float) -> float:
    """Averages over about the last ninth of a short training, and over 1 / (1 - longest) steps of a long one."""
    return min(longest, (1 + steps) / (10 + steps))


class Learner:
    """Raw weights (changed in place), their moving average and Adam's moments, and how far they are.

    What is learnt is a subclass's matter.
    """

    def __init__(self, model: nn.Module, seed: int, rates: Rates, device: str = "cpu") -> None:
        self.weights = model.to(device)
        self.progress, self.rates, self.device = Progress(seed=seed), rates, device
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

    def next_rows(self, n: int) -> tuple[Tensor, torch.Generator]:
        """Rows of the next pictures among n, and the generator of everything else that this step draws."""
        at, seed = self.progress.images, self.progress.seed
        return torch.from_numpy(rows_at(seed, at, self.rates.batch, n)), draw(seed, at)

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

    def begin_from(self, weights: dict[str, Tensor], progress: Progress) -> None:
        """Goes on from published weights, without optimiser moments."""
        self.weights.load_state_dict(weights)
        self.average = {name: tensor.detach().clone() for name, tensor in self.weights.state_dict().items()}
        self.progress = progress

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
        new = work / "state.new"
        torch.save(state, new)
        new.replace(work / STATE)

    def load_state(self, work: Path) -> None:
        """Goes on where `save_state` was called."""
        state = torch.load(work / STATE, weights_only=True, map_location="cpu")
        self.weights.load_state_dict(state["raw"])
        self.progress = Progress(**state["progress"])
        self.average = {name: tensor.to(self.device) for name, tensor in state["average"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        self.since_start = state["since_start"]

    def step(self, *shown: Any) -> float:
        """One Adam step on the next of what is shown; the error to be told."""
        raise NotImplementedError

    def save(self, work: Path) -> str:
        """Full state and half-precision model into `work`; returns the sha256 of the model's weights."""
        raise NotImplementedError


def progress_of(work: Path) -> Progress:
    """How far the training in `work` is; FileNotFoundError where there is none."""
    if not (work / STATE).exists():
        raise FileNotFoundError(f"{work} holds no training: start one first.")
    state = torch.load(work / STATE, weights_only=True, map_location="cpu")
    return Progress(**state["progress"])


class Denoiser(Learner):
    """A learner whose network predicts the noise in what it is shown."""

    def __init__(self, model: nn.Module, seed: int, rates: Rates, device: str = "cpu") -> None:
        super().__init__(model, seed, rates, device)
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
