"""Trains the shipped class-conditional diffusion model on all 60,000 pictures of Fashion-MNIST.

    python -m recipes.ddpm --minutes 60             # goes on where it was; full state and model in .work/ddpm
    python -m recipes.ddpm --without Trouser --images 2000000   # the gold standard, in .work/ddpm-without-Trouser
    python -m recipes.ddpm_quality                  # judge accuracy of its samples and a sheet
    python -m recipes.ddpm --publish                # copies the model with that quality to assets/models

It stops cleanly on SIGTERM or Ctrl-C. Where the full state in .work/ is gone, it goes on from the published weights (with new
optimiser moments). Where g++ is installed the network is compiled, which rounds differently in the last bits. Everything that a step draws follows from the seed and the number of images seen, so a resumed training
is the same as one in a go.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from diffusers import UNet2DModel
from numpy.typing import NDArray
from torch import Tensor

from recipes.ddpm_folder import CARD, NULL, WEIGHTS, Progress, build_unet, load_folder, publish, save_folder
from sfr_core.data.datasets import ASSETS, FASHION_CLASSES, FASHION_FULL, Pictures, read_idx_pair
from sfr_core.ops.diffusion import STEPS, alphas_cumprod

ID = "fashion-mnist-ddpm"
WORK = Path(__file__).resolve().parents[1] / ".work"
BATCH = 64
LR = 6e-4
WARMUP = 200
"""Steps in which the learning rate rises from 0, after every start without optimiser moments."""
LABEL_DROPOUT = 0.1
EMA = 0.9995
CLIP = 1.0
MIN_SNR = 5.0
THREADS = 1
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


def drop_labels(labels: Tensor, rng: torch.Generator, share: float = LABEL_DROPOUT) -> Tensor:
    """Replaces each label by NULL with probability `share`."""
    return torch.where(torch.rand(len(labels), generator=rng) < share, NULL, labels)


def antithetic_timesteps(n: int, rng: torch.Generator) -> Tensor:
    """n timesteps, uniform in 0 .. STEPS-1, the second half mirrored to the first (as in the code of DDIM)."""
    half = torch.randint(0, STEPS, (n // 2 + 1,), generator=rng)
    return torch.cat([half, STEPS - 1 - half])[:n]


def loss_weights(t: Tensor, signal: Tensor) -> Tensor:
    """min(SNR, 5) / SNR of each timestep (Hang et al. 2023, arXiv 2303.09556, for noise prediction)."""
    snr = signal[t] / (1 - signal[t])
    return snr.clamp(max=MIN_SNR) / snr


def ema_decay(steps: int) -> float:
    """Averages over about the last ninth of a short training, and over 2,000 steps of a long one."""
    return min(EMA, (1 + steps) / (10 + steps))


class Training:
    """Raw weights, their moving average and Adam's moments, and how far they are.

    Args:
        model: the network; changed in place, channels_last.
        progress: where it stands.
        compiled: run the network through torch.compile, a third faster on a CPU (it needs a C++ compiler).
    """

    def __init__(self, model: UNet2DModel, progress: Progress, compiled: bool = False) -> None:
        self.model = model.to(memory_format=torch.channels_last).train()
        self.forward = torch.compile(self.model) if compiled else self.model
        self.progress = progress
        self.since_start = 0
        self.average = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        self.optimizer = torch.optim.Adam(model.parameters(), lr=LR, fused=True)
        self._signal = alphas_cumprod()

    def step(self, images: Tensor, labels: Tensor, batch: int = BATCH) -> float:
        """One Adam step on the next `batch` of `images` [n, 1, 28, 28] in [-1, 1]; returns the plain mean squared error."""
        at, seed = self.progress.images, self.progress.seed
        rows = torch.from_numpy(rows_at(seed, at, batch, len(labels)))
        rng = draw(seed, at)
        x, y = images[rows], drop_labels(labels[rows], rng)
        t = antithetic_timesteps(batch, rng)
        noise = torch.randn(x.shape, generator=rng)
        signal = self._signal[t].view(-1, 1, 1, 1)
        noisy = (signal.sqrt() * x + (1 - signal).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            predicted = self.forward(noisy, t, y).sample
        errors = (predicted.float() - noise).square().mean((1, 2, 3))
        loss = (errors * loss_weights(t, self._signal)).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        for group in self.optimizer.param_groups:
            group["lr"] = LR * min(1.0, (self.since_start + 1) / WARMUP)
        self.optimizer.step()
        self.since_start += 1
        self.progress.images += batch
        self.progress.steps += 1
        self._follow()
        return float(errors.detach().mean())

    @torch.no_grad()
    def _follow(self) -> None:
        live = dict(self.model.named_parameters())
        names = list(live)
        weight = 1 - ema_decay(self.progress.steps)
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
        return save_folder(self.average, work / "model")


def resume(work: Path, published: Path, seed: int, compiled: bool = False) -> Training:
    """The training in `work`, else one from the published half-precision weights, else a fresh one.

    Raises:
        ValueError: what is there was begun with another seed.
    """
    if (work / "state.pt").exists():
        state = torch.load(work / "state.pt", weights_only=True)
        training = Training(build_unet(0), Progress(**state["progress"]), compiled)
        training.model.load_state_dict(state["raw"])
        training.average = state["average"]
        training.optimizer.load_state_dict(state["optimizer"])
        training.since_start = state["since_start"]
    elif (published / WEIGHTS).exists():
        card = json.loads((published / CARD).read_text(encoding="utf-8"))
        progress = Progress(
            seed=card["seed"], images=card["images_seen"], steps=card["steps"], cpu_seconds=card["cpu_seconds"],
            restarts=card["restarts_from_half_precision"] + 1,
        )  # fmt: skip
        training = Training(load_folder(published), progress, compiled)
    else:
        return Training(build_unet(seed), Progress(seed=seed), compiled)
    if training.progress.seed != seed:
        raise ValueError(f"The training in {work} or {published} has seed {training.progress.seed}, not {seed}.")
    return training


def pictures(without: str | None, source: Path = FASHION_FULL) -> Pictures:
    """All training pictures, or all but one class."""
    everything = read_idx_pair(source, "train")
    if without is None:
        return everything
    return everything.rows(np.flatnonzero(everything.labels != FASHION_CLASSES.index(without)).astype(np.int64))


def batches(minutes: float | None, images: int | None, progress: Progress, stop: list[int]) -> Iterator[None]:
    """Yields before each step until the minutes are over, `images` are seen, or a signal came."""
    begun = time.monotonic()
    while not stop:
        if minutes is not None and time.monotonic() - begun > 60 * minutes:
            return
        if images is not None and progress.images >= images:
            return
        yield


def train(training: Training, data: Pictures, work: Path, minutes: float | None, images: int | None) -> None:
    """Steps until a limit, a checkpoint every SAVE_EVERY seconds and at the end."""
    stop: list[int] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        stop.append(number)

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    x, y = to_pixels(data.images), torch.from_numpy(data.labels)
    progress = training.progress
    recent: list[float] = []
    cpu = time.process_time()
    saved = logged = time.monotonic()
    for _ in batches(minutes, images, progress, stop):
        recent.append(training.step(x, y))
        now = time.monotonic()
        if len(recent) == 100:
            speed, loss = 100 * BATCH / (now - logged), sum(recent) / 100
            print(f"{progress.images} images, loss {loss:.4f}, {speed:.0f} images/s", flush=True)
            recent.clear()
            logged = now
        if now - saved > SAVE_EVERY:
            progress.cpu_seconds, cpu = progress.cpu_seconds + time.process_time() - cpu, time.process_time()
            training.save(work)
            saved = now
    progress.cpu_seconds += time.process_time() - cpu
    print(f"{progress.images} images, {progress.cpu_seconds:.0f} s cpu, sha256 {training.save(work)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help="stop after this time")
    parser.add_argument("--images", type=int, help="stop when so many images were seen in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without", choices=FASHION_CLASSES, help="the gold standard: train without this class")
    parser.add_argument("--publish", action="store_true", help="copy the model of .work/ to assets/models")
    args = parser.parse_args()
    torch.set_num_threads(THREADS)
    suffix = "" if args.without is None else f"-without-{args.without.replace(' ', '-')}"
    work = WORK / f"ddpm{suffix}"
    target = ASSETS / "models" / f"{ID}{suffix}"
    command = f"python -m recipes.ddpm --seed {args.seed}" + (f' --without "{args.without}"' if args.without else "")
    if args.publish:
        progress = Progress(**torch.load(work / "state.pt", weights_only=True)["progress"])
        card = publish(work, target, progress, command)
        print(f"{target}: {card['images_seen']} images seen, quality {card['quality']}")
        return
    (WORK / f"ddpm{suffix}.pid").write_text(f"{os.getpid()}\n")
    compiled = shutil.which("g++") is not None
    train(resume(work, target, args.seed, compiled), pictures(args.without), work, args.minutes, args.images)


if __name__ == "__main__":
    main()
