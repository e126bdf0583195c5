"""The judge of generated pictures: a classifier of ten classes that can say no, and what it knows of real pictures."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from sfr_core.errors import AssetError
from sfr_core.nets.resnet import SmallResNet

CLASSES = 10
NONE = CLASSES
"""The label of rejected pictures."""

CARD = "judge.json"
"""Beside the weights; not card.json, for a judge is no model to unlearn."""

MEAN, STD = 0.2860, 0.3530
BATCH = 1000
HINT = "Fetch the repository again (git checkout -- assets), or make it anew: python -m recipes.judge"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says of n pictures.

    Attributes:
        labels: accepted class, or NONE where it accepts none, int64 [n].
        plain: best of the ten classes whatever the doubt, int64 [n].
        features: pooled, float32 [n, d].
        probabilities: softmax over the ten classes (without the eleventh output), float32 [n, 10].
    """

    labels: NDArray[np.int64]
    plain: NDArray[np.int64]
    features: NDArray[np.float32]
    probabilities: NDArray[np.float32]

    def rows(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Verdict:
        """The verdict on a selection of the pictures."""
        return Verdict(self.labels[rows], self.plain[rows], self.features[rows], self.probabilities[rows])


@dataclass(frozen=True, slots=True)
class RealFeatures:
    """The judge's features of real test pictures, class by class.

    Attributes:
        means: [10, d].
        covariances: unbiased, [10, d, d].
        counts: pictures of each class [10].
        spreads: mean distance between two pictures of the class [10].
    """

    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    counts: NDArray[np.int64]
    spreads: NDArray[np.float64]


class Judge:
    """A classifier with eleven outputs, and per class a mean, a common whitening and a distance threshold.

    A picture is accepted as a class if the eleventh output ("none of these") does not win and its features lie no farther
    from that class than those of nearly all real training pictures do.

    Args:
        network: SmallResNet with 11 outputs.
        means: of the features of each class [10, d].
        whitening: W [d, d], so that |(f - mean) W| is the Mahalanobis distance under the common covariance.
        limits: largest accepted distance of each class [10].
        real: features of real test pictures, for Frechet distances and diversity; None until they are measured.
    """

    def __init__(
        self,
        network: SmallResNet,
        means: Tensor,
        whitening: Tensor,
        limits: Tensor,
        real: RealFeatures | None = None,
    ) -> None:
        self.network = network.eval()
        self.means, self.whitening, self.limits = means, whitening, limits
        self.real = real

    def __call__(self, pixels: Tensor) -> Verdict:
        """Judges pictures [n, 1, 28, 28] in 0 to 1; they are moved to where the judge is (the CPU, after `open`)."""
        pixels = pixels.to(self.means.device)
        features = features_of(self.network, pixels)
        with torch.no_grad():
            logits = self.network.head(features)
        plain = logits[:, :CLASSES].argmax(1)
        far = distances(features, self.means[plain], self.whitening) > self.limits[plain]
        labels = torch.where((logits.argmax(1) == NONE) | far, NONE, plain)
        chances = logits[:, :CLASSES].softmax(1)
        return Verdict(labels.cpu().numpy(), plain.cpu().numpy(), features.cpu().numpy(), chances.cpu().numpy())

    def save(self, path: Path) -> None:
        """Writes everything to one safetensors file."""
        tensors = {f"network.{name}": tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        tensors |= {"means": self.means, "whitening": self.whitening, "limits": self.limits}
        if self.real is not None:
            tensors |= {
                "real.means": torch.from_numpy(self.real.means).float(),
                "real.covariances": torch.from_numpy(self.real.covariances).float(),
                "real.counts": torch.from_numpy(self.real.counts),
                "real.spreads": torch.from_numpy(self.real.spreads).float(),
            }
        save_file(tensors, path)

    @classmethod
    def load(cls, path: Path, *, sha256: str | None = None) -> Judge:
        """Reads what `save` wrote.

        Raises:
            AssetError: missing, damaged, or not a judge.
        """
        try:
            raw = path.read_bytes()
            if sha256 is not None and hashlib.sha256(raw).hexdigest() != sha256:
                raise AssetError(f"The judge {path} is damaged: its sha256 is not the card's.", hint=HINT)
            tensors = load(raw)
            network = SmallResNet(classes=CLASSES + 1)
            begin = "network."
            network.load_state_dict({n.removeprefix(begin): t for n, t in tensors.items() if n.startswith(begin)})
            real = None
            if "real.means" in tensors:
                real = RealFeatures(
                    tensors["real.means"].double().numpy(),
                    tensors["real.covariances"].double().numpy(),
                    tensors["real.counts"].numpy(),
                    tensors["real.spreads"].double().numpy(),
                )
            return cls(network, tensors["means"], tensors["whitening"], tensors["limits"], real)
        except (OSError, SafetensorError, RuntimeError, KeyError) as error:
            raise AssetError(f"The judge {path} cannot be read ({str(error).splitlines()[0]}).", hint=HINT) from None

    @classmethod
    def open(cls, folder: Path) -> Judge:
        """The judge of a folder, checked against the sha256 in its card.

        Raises:
            AssetError: missing or damaged.
        """
        try:
            card = json.loads((folder / CARD).read_text(encoding="utf-8"))
            file, sha256 = str(card["file"]), str(card["sha256"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AssetError(f"The judge's card {folder / CARD} cannot be read ({error}).", hint=HINT) from None
        return cls.load(folder / file, sha256=sha256)


def pixels_of(images: NDArray[np.uint8]) -> Tensor:
    """uint8 [n, h, w, c] -> float32 [n, c, h, w] in 0 to 1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255).contiguous()


def normalised(pixels: Tensor) -> Tensor:
    """Pixels in 0 to 1 as the judge's network takes them."""
    return ((pixels - MEAN) / STD).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def features_of(network: SmallResNet, pixels: Tensor) -> Tensor:
    """Pooled features [n, d] in eval mode."""
    network.eval()
    return torch.cat([network.features(normalised(part)) for part in torch.split(pixels, BATCH)])


def distances(features: Tensor, means: Tensor, whitening: Tensor) -> Tensor:
    """Mahalanobis distance of each row to its mean, [n]."""
    found: Tensor = ((features - means) @ whitening).norm(dim=1)
    return found
