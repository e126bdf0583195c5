"""Trains the autoencoder of the latent models: 64x64 RGB to 16x16x4 and back.

    python -m recipes.latents_autoencoder --images 12000   # .work/latents-autoencoder
    python -m recipes.latents_autoencoder --finish 4000    # the rate falls to 0: 953 s of CPU in all, 26.5 dB
    python -m recipes.latents_autoencoder --freeze         # .work/latents: the latents of all pictures
    python -m recipes.latents_autoencoder --decoder --images 20000     # the decoder alone goes on, beside the other trainings

Where .work/ is gone, the other trainings take the autoencoder of a published model.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from recipes.complaints import one_sentence
from recipes.ddpm_folder import Progress, sha256
from recipes.ddpm_training import Learner, draw, keep_training, rows_at, to_pixels
from recipes.emoji import EmojiSet, load
from recipes.latents_folder import LatentSet, copy_of, encode, whiten
from sfr_core.data.datasets import ASSETS

WORK = Path(__file__).resolve().parents[1] / ".work" / "latents-autoencoder"
FROZEN = WORK.with_name("latents")
"""The autoencoder whose encoder no longer changes, and the latents of all pictures."""
PUBLISHED = tuple(ASSETS / "models" / name / "vae" for name in ("emoji-dit", "emoji-sd"))
MEASURED_EVERY = 25
"""Every so many pictures measure the autoencoder."""
KL = 3e-4
"""Weight of the mean KL divergence of a latent from a standard normal, beside a mean absolute error of pixels in [-1, 1]."""
NOISE = 0.15
"""Largest standard deviation of the noise on the latents, in theirs, from which the decoder learns alone."""
EDGES = 0.5
"""Weight of the mean absolute error of the differences between neighbouring pixels: without it small shapes blur."""

COLOURS = 2.0
"""Weight of the mean absolute error of the colours alone: without it green and purple are learned last."""

HINT = 1.0
"""Weight of the mean absolute error with which a linear map of a latent tells the mean colour of its place.

Without it the latents carry outlines long before they tell green from grey.
"""

ARCHITECTURE: dict[str, Any] = {
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "block_out_channels": (32, 64, 96),
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 8,
    "sample_size": 64,
    "mid_block_add_attention": False,
}


@dataclass(frozen=True, slots=True)
class AutoencoderRates:
    batch: int = 4
    lr: float = 1e-3
    ema: float = 0.998
    min_snr: float | None = None


def build(seed: int, architecture: dict[str, Any] = ARCHITECTURE) -> AutoencoderKL:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoencoderKL(**architecture)


def colours(x: Tensor) -> Tensor:
    """What a picture has beyond its grey."""
    return x - x.mean(1, keepdim=True)


def picture_loss(back: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """What is minimised, and the mean absolute error of the pixels alone."""
    error = F.l1_loss(back, x)
    sharp = sum(F.l1_loss(a, b) for a, b in zip(edges(back), edges(x), strict=True))
    return error + EDGES * sharp + COLOURS * F.l1_loss(colours(back), colours(x)), error


def edges(x: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbouring rows and of neighbouring columns."""
    return x.diff(dim=2), x.diff(dim=3)


class AutoencoderTraining(Learner):
    """An AutoencoderKL that learns to give pictures back."""

    def __init__(self, model: AutoencoderKL, progress: Progress, rates: AutoencoderRates) -> None:
        self.model = model.to(memory_format=torch.channels_last).train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(progress.seed)
            self.hint = nn.Conv2d(model.config.latent_channels, 3, 1)
        super().__init__(nn.ModuleDict({"autoencoder": self.model, "hint": self.hint}), progress, rates)

    def step(self, images: Tensor) -> float:
        """One Adam step on the next pictures of `images` [n, 3, 64, 64] in [-1, 1], half of them flipped; the mean absolute error."""
        batch, at, seed = self.rates.batch, self.progress.images, self.progress.seed
        rng = draw(seed, at)
        x = images[torch.from_numpy(rows_at(seed, at, batch, len(images)))]
        flipped = torch.rand(batch, generator=rng) < 0.5
        x = torch.where(flipped.view(-1, 1, 1, 1), x.flip(3), x).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            found = self.model.encode(x).latent_dist
            noise = torch.randn(found.mean.shape, generator=rng)
            back = self.model.decode(found.mean + found.std * noise).sample.float()
        mean, logvar = found.mean.float(), found.logvar.float()
        loss, error = picture_loss(back, x)
        hint = F.l1_loss(self.hint(mean), F.avg_pool2d(x, x.shape[-1] // mean.shape[-1]))
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        self.learn(loss + HINT * hint + KL * kl, batch)
        return float(error.detach())

    def save(self, work: Path) -> str:
        """Full state into `work`; no weights of their own are written before `freeze`."""
        self.save_state(work)
        return ""


class DecoderTraining(Learner):
    """The decoder of a frozen autoencoder goes on learning from the latents that exist, so that models of these can be trained meanwhile."""

    def __init__(self, latents: LatentSet, progress: Progress, rates: AutoencoderRates) -> None:
        self.latents = latents
        self.autoencoder = latents.autoencoder.to(memory_format=torch.channels_last)
        parts = {"decoder": self.autoencoder.decoder, "post_quant_conv": self.autoencoder.post_quant_conv}
        super().__init__(nn.ModuleDict(parts).train(), progress, rates)

    def step(self, images: Tensor) -> float:
        """One Adam step on the next pictures, from latents with a little noise, as generators leave it; the mean absolute error."""
        batch, at, seed = self.rates.batch, self.progress.images, self.progress.seed
        rng = draw(seed, at)
        rows = torch.from_numpy(rows_at(seed, at, batch, len(images)))
        x = images[rows].contiguous(memory_format=torch.channels_last)
        z = self.latents.pictures[rows]
        amount = NOISE * torch.rand(batch, 1, 1, 1, generator=rng)
        z = (z + amount * torch.randn(z.shape, generator=rng)) / self.latents.scale
        with torch.autocast("cpu", torch.bfloat16):
            back = self.autoencoder.decode(z).sample.float()
        loss, error = picture_loss(back, x)
        self.learn(loss, batch)
        return float(error.detach())

    def save(self, work: Path) -> str:
        """Full state into `work`, and the whole autoencoder with the averaged decoder into FROZEN."""
        self.save_state(work)
        copy_of(self.autoencoder, self.average).save_pretrained(FROZEN)
        return sha256(FROZEN / "diffusion_pytorch_model.safetensors")


def latent_set(found: EmojiSet, folder: Path = FROZEN, published: Sequence[Path] = PUBLISHED) -> LatentSet:
    """The latents of all pictures, of the encoder that was frozen in `folder`, or else is `published`; made at the first call.

    Raises:
        FileNotFoundError: there is no autoencoder yet.
    """
    if not (folder / "config.json").exists():
        source = next((path for path in published if (path / "config.json").exists()), None)
        if source is None:
            raise FileNotFoundError(f"{folder} holds no autoencoder: python -m recipes.latents_autoencoder --freeze.")
        shutil.copytree(source, folder, dirs_exist_ok=True)
    autoencoder = AutoencoderKL.from_pretrained(folder, torch_dtype=torch.float32, local_files_only=True).eval()
    kept = folder / "latents.safetensors"
    if not kept.exists():
        made = encode(autoencoder, to_pixels(np.concatenate(list(found.pictures.values()))))
        save_file({"pictures": made.pictures}, kept)
        autoencoder.save_pretrained(folder)
    return LatentSet(load_file(kept)["pictures"], float(autoencoder.config.scaling_factor), autoencoder)


@torch.no_grad()
def fidelity(autoencoder: AutoencoderKL, x: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of pictures [n, 3, h, w] in [-1, 1] that went through the mean of their latents."""
    error = [
        F.mse_loss(autoencoder.decode(autoencoder.encode(part).latent_dist.mean).sample.clamp(-1, 1), part)
        for part in x.split(1)
    ]
    return float(10 * torch.log10(4 / torch.stack(error).mean()))


def renew_decoder(pipeline: Path, folder: Path = FROZEN) -> None:
    """Puts the autoencoder of `folder`, whose decoder may have learned more since, into a pipeline's folder in half precision."""
    if (folder / "config.json").exists():
        newest = AutoencoderKL.from_pretrained(folder, torch_dtype=torch.float16, local_files_only=True)
        newest.save_pretrained(pipeline / "vae")
        config = pipeline / "vae" / "config.json"
        values = json.loads(config.read_text(encoding="utf-8"))
        values.pop("_name_or_path", None)  # diffusers writes where it was read: a path of this machine
        config.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        for path in (pipeline / "vae").iterdir():
            path.chmod(0o644)


def freeze(weights: dict[str, Tensor], images: Tensor) -> None:
    """Makes FROZEN of these weights, whitened on `images`; the latents there are made anew at the next call of `latent_set`."""
    shutil.rmtree(FROZEN, ignore_errors=True)
    model = build(0)
    model.load_state_dict(weights)
    whiten(model, images)
    model.save_pretrained(FROZEN)


def main(argv: Sequence[str] | None = None) -> None:
    from recipes.ddpm import batches, stop_on_signals

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--images", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--finish", type=int, metavar="N")
    parser.add_argument("--decoder", action="store_true", help="train the decoder alone, on the latents of --freeze")
    parser.add_argument("--freeze", action="store_true", help="make the latents with the encoder as it is now")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    with one_sentence():
        found = load()
        images = to_pixels(np.concatenate(list(found.pictures.values())))
        training: AutoencoderTraining | DecoderTraining
        if args.decoder:
            work, training = (
                WORK.with_name("latents-decoder"),
                DecoderTraining(latent_set(found), Progress(seed=args.seed), AutoencoderRates()),
            )
        else:
            work = WORK
            training = AutoencoderTraining(build(args.seed), Progress(seed=args.seed), AutoencoderRates())
        if (work / "state.pt").exists():
            training.load_state(work)
        if args.freeze:
            begin = "autoencoder."
            freeze({n.removeprefix(begin): t for n, t in training.average.items() if n.startswith(begin)}, images)
            made = latent_set(found)
            quality = fidelity(made.autoencoder, images[::MEASURED_EVERY])
            print(f"latents times {made.scale:.3f}, {quality:.1f} dB, after {training.progress.images} images")
            return
        if args.finish and training.progress.finished in (0.0, 1.0):
            training.begin_finish(args.finish)
        stop = stop_on_signals()
        steps = batches(args.minutes, args.images, training.progress, stop)
        keep_training(training, lambda: training.step(images), steps, work)


if __name__ == "__main__":
    main()
