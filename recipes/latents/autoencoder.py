"""Trains the autoencoder of the latent models: 64x64 RGB to 16x16x4 and back.

    python -m recipes.latents.autoencoder --images 12000   # .work/latents-autoencoder
    python -m recipes.latents.autoencoder --finish 4000    # the rate falls to 0: 953 s of CPU in all, 26.5 dB
    python -m recipes.latents.autoencoder --freeze         # .work/latents: the latents of all pictures
    python -m recipes.latents.autoencoder --decoder --images 20000     # the decoder alone goes on, beside the other trainings

Where .work/ is gone, the other trainings take the autoencoder of a published model.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from recipes.command import one_sentence, parser_of
from recipes.emoji.packages import EmojiSet, load
from recipes.latents.recipes import LatentSet, copy_of, encode, whiten
from recipes.learner import STATE, Learner, Rates, flip_half, seeded, to_pixels
from recipes.publish import WEIGHTS
from recipes.train import WORK, add_limits, keep_training
from sfr_core.data.datasets import ASSETS
from sfr_core.nets.pipelines import sha256_of

FROZEN = WORK / "latents"
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


RATES = Rates(batch=4, lr=1e-3, ema=0.998)


def build(seed: int, architecture: dict[str, Any] = ARCHITECTURE) -> AutoencoderKL:
    with seeded(seed):
        return AutoencoderKL(**architecture)


def picture_loss(back: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """What is minimised, and the mean absolute error of the pixels alone."""
    error = F.l1_loss(back, x)
    edges = F.l1_loss(back.diff(dim=2), x.diff(dim=2)) + F.l1_loss(back.diff(dim=3), x.diff(dim=3))
    colours = F.l1_loss(back - back.mean(1, keepdim=True), x - x.mean(1, keepdim=True))
    return error + EDGES * edges + COLOURS * colours, error


class AutoencoderTraining(Learner):
    """An AutoencoderKL that learns to give pictures back."""

    def __init__(self, model: AutoencoderKL, seed: int, rates: Rates = RATES) -> None:
        self.model = model.to(memory_format=torch.channels_last).train()
        with seeded(seed):
            self.hint = nn.Conv2d(model.config.latent_channels, 3, 1)
        super().__init__(nn.ModuleDict({"autoencoder": self.model, "hint": self.hint}), seed, rates)

    def step(self, images: Tensor) -> float:
        """One Adam step on the next pictures of `images` [n, 3, 64, 64] in [-1, 1], half of them flipped; the mean absolute error."""
        rows, rng = self.next_rows(len(images))
        x = flip_half(images[rows], rng).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            found = self.model.encode(x).latent_dist
            noise = torch.randn(found.mean.shape, generator=rng)
            back = self.model.decode(found.mean + found.std * noise).sample.float()
        mean, logvar = found.mean.float(), found.logvar.float()
        loss, error = picture_loss(back, x)
        hint = F.l1_loss(self.hint(mean), F.avg_pool2d(x, x.shape[-1] // mean.shape[-1]))
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        self.learn(loss + HINT * hint + KL * kl, len(x))
        return float(error.detach())

    def save(self, work: Path) -> str:
        """Full state into `work`; no weights of their own are written before `freeze`."""
        self.save_state(work)
        return ""


class DecoderTraining(Learner):
    """The decoder of a frozen autoencoder goes on learning from the latents that exist, so that models of these can be trained meanwhile."""

    def __init__(self, latents: LatentSet, seed: int, rates: Rates = RATES) -> None:
        self.latents = latents
        self.autoencoder = latents.autoencoder.to(memory_format=torch.channels_last)
        parts = {"decoder": self.autoencoder.decoder, "post_quant_conv": self.autoencoder.post_quant_conv}
        super().__init__(nn.ModuleDict(parts).train(), seed, rates)

    def step(self, images: Tensor) -> float:
        """One Adam step on the next pictures, from latents with a little noise, as generators leave it; the mean absolute error."""
        rows, rng = self.next_rows(len(images))
        x = images[rows].contiguous(memory_format=torch.channels_last)
        z = self.latents.pictures[rows]
        amount = NOISE * torch.rand(len(x), 1, 1, 1, generator=rng)
        z = (z + amount * torch.randn(z.shape, generator=rng)) / self.latents.scale
        with torch.autocast("cpu", torch.bfloat16):
            back = self.autoencoder.decode(z).sample.float()
        loss, error = picture_loss(back, x)
        self.learn(loss, len(x))
        return float(error.detach())

    def save(self, work: Path) -> str:
        """Full state into `work`, and the whole autoencoder with the averaged decoder into FROZEN."""
        self.save_state(work)
        copy_of(self.autoencoder, self.average).save_pretrained(FROZEN)
        return sha256_of(FROZEN / WEIGHTS)


def latent_set(found: EmojiSet, folder: Path = FROZEN, published: Sequence[Path] = PUBLISHED) -> LatentSet:
    """The latents of all pictures, of the encoder that was frozen in `folder`, or else is `published`; made at the first call.

    Raises:
        FileNotFoundError: there is no autoencoder yet.
    """
    if not (folder / "config.json").exists():
        source = next((path for path in published if (path / "config.json").exists()), None)
        if source is None:
            raise FileNotFoundError(f"{folder} holds no autoencoder: python -m recipes.latents.autoencoder --freeze.")
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
    parser = parser_of(__doc__)
    add_limits(parser)
    parser.add_argument("--decoder", action="store_true", help="train the decoder alone, on the latents of --freeze")
    parser.add_argument("--freeze", action="store_true", help="make the latents with the encoder as it is now")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    with one_sentence():
        found = load()
        images = to_pixels(np.concatenate(list(found.pictures.values())))
        work = WORK / ("latents-decoder" if args.decoder else "latents-autoencoder")
        training: AutoencoderTraining | DecoderTraining = (
            DecoderTraining(latent_set(found), args.seed)
            if args.decoder
            else AutoencoderTraining(build(args.seed), args.seed)
        )
        if (work / STATE).exists():
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
        keep_training(training, (images,), work, args)


if __name__ == "__main__":
    main()
