"""The judge of generated pictures: a classifier that can say no, and what it knows of real pictures; of prompts, which they fulfil."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from sfr_core.data.concepts import PromptPlan
from sfr_core.errors import AssetError
from sfr_core.nets.resnet import SmallResNet

CLASSES = 10
NONE = CLASSES
"""The label of pictures that the judge of Fashion-MNIST rejects; any judge's is its number of classes (`Verdict.rejected`)."""

CARD = "judge.json"
"""Beside the weights; not card.json, for a judge is no model to unlearn."""

MEAN, STD = 0.2860, 0.3530
BATCH = 1000
HINT = "Fetch the repository again (git checkout -- assets), or make it anew: python -m recipes.judge (--data names the set), of emoji recipes.judge.emoji"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says of n pictures.

    Attributes:
        labels: accepted class of k, or k where it accepts none, int64 [n].
        plain: best of the k classes whatever the doubt, int64 [n].
        features: pooled, float32 [n, d].
        probabilities: softmax over the k classes (without the last output), float32 [n, k].
    """

    labels: NDArray[np.int64]
    plain: NDArray[np.int64]
    features: NDArray[np.float32]
    probabilities: NDArray[np.float32]

    @property
    def rejected(self) -> NDArray[np.bool_]:
        """True where no class is accepted, [n]."""
        none: NDArray[np.bool_] = self.labels == self.probabilities.shape[1]
        return none

    def rows(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Verdict:
        """The verdict on a selection of the pictures."""
        return Verdict(self.labels[rows], self.plain[rows], self.features[rows], self.probabilities[rows])


@dataclass(frozen=True, slots=True)
class RealFeatures:
    """The judge's features of real test pictures, class by class.

    Attributes:
        means: [k, d].
        covariances: unbiased, [k, d, d].
        counts: pictures of each class [k].
        spreads: mean distance between two pictures of the class [k].
    """

    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    counts: NDArray[np.int64]
    spreads: NDArray[np.float64]


class Judge:
    """A classifier with k + 1 outputs, and per class a mean, a common whitening and a distance threshold.

    A picture is accepted as a class if the last output ("none of these") does not win and its features lie no farther
    from that class than those of nearly all real training pictures do.

    Args:
        network: SmallResNet with k + 1 outputs.
        means: of the features of each class [k, d].
        whitening: W [d, d], so that |(f - mean) W| is the Mahalanobis distance under the common covariance.
        limits: largest accepted distance of each class [k].
        real: features of real test pictures, for Frechet distances and diversity; None until they are measured.
        names: of the k classes; empty where the data set has them.
        scale: mean and standard deviation of the pixels that the network was trained on.
    """

    def __init__(
        self,
        network: SmallResNet,
        means: Tensor,
        whitening: Tensor,
        limits: Tensor,
        real: RealFeatures | None = None,
        *,
        names: tuple[str, ...] = (),
        scale: tuple[float, float] = (MEAN, STD),
    ) -> None:
        self.network = network.eval()
        self.means, self.whitening, self.limits = means, whitening, limits
        self.real, self.names, self.scale = real, names, scale

    def __call__(self, pixels: Tensor) -> Verdict:
        """Judges pictures [n, c, h, w] in 0 to 1; they are moved to where the judge is (the CPU, after `open`)."""
        pixels = pixels.to(self.means.device)
        none = len(self.means)
        features = features_of(self.network, pixels, self.scale)
        with torch.no_grad():
            logits = self.network.head(features)
        plain = logits[:, :none].argmax(1)
        far = distances(features, self.means[plain], self.whitening) > self.limits[plain]
        labels = torch.where((logits.argmax(1) == none) | far, none, plain)
        chances = logits[:, :none].softmax(1)
        return Verdict(labels.cpu().numpy(), plain.cpu().numpy(), features.cpu().numpy(), chances.cpu().numpy())

    def accepted(self, verdict: Verdict, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Class that it accepts for each picture whatever was asked for, -1 where none, [n]."""
        return np.where(verdict.rejected, -1, verdict.labels).astype(np.int64)

    def save(self, path: Path) -> None:
        """Writes everything to one safetensors file."""
        tensors = {f"network.{name}": tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        tensors |= {"means": self.means, "whitening": self.whitening, "limits": self.limits}
        if self.scale != (MEAN, STD):
            tensors["scale"] = torch.tensor(self.scale)
        if self.real is not None:
            found = {field.name: torch.from_numpy(getattr(self.real, field.name)) for field in fields(RealFeatures)}
            tensors |= {f"real.{name}": t.float() if t.is_floating_point() else t for name, t in found.items()}
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
            begin = "network."
            weights = {n.removeprefix(begin): t for n, t in tensors.items() if n.startswith(begin)}
            network = _network_of(weights)
            network.load_state_dict(weights)
            real = None
            if "real.means" in tensors:
                found = {field.name: tensors[f"real.{field.name}"] for field in fields(RealFeatures)}
                real = RealFeatures(
                    **{n: (t.double() if t.is_floating_point() else t).numpy() for n, t in found.items()}
                )
            mean, std = tensors["scale"].tolist() if "scale" in tensors else (MEAN, STD)
            return cls(network, tensors["means"], tensors["whitening"], tensors["limits"], real, scale=(mean, std))
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
            names = tuple(str(name) for name in card.get("classes", ()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AssetError(f"The judge's card {folder / CARD} cannot be read ({error}).", hint=HINT) from None
        judge = cls.load(folder / file, sha256=sha256)
        if names and len(names) != len(judge.means):
            raise AssetError(f"The judge's card {folder / CARD} names another number of classes.", hint=HINT)
        judge.names = names
        return judge


class PromptJudge:
    """A judge with named classes, and which of them fulfil the prompts of a plan.

    Args:
        judge: of pictures.
        names: of its classes, in the order of their numbers.
        plan: prompts with the names that fulfil them (`Prompt.shows`).

    Attributes:
        fulfils: [prompts, classes], true where a picture of the class is what the prompt asks for.

    Raises:
        AssetError: a prompt is fulfilled by a class that the judge does not have.
    """

    def __init__(self, judge: Judge, names: tuple[str, ...], plan: PromptPlan) -> None:
        self.judge, self.names, self.plan = judge, names, plan
        self.fulfils = np.zeros((len(plan.prompts), len(names)), bool)
        for i, prompt in enumerate(plan.prompts):
            for name in prompt.shows:
                if name not in names:
                    raise AssetError(
                        f"The judge has no class '{name}', which '{prompt.text}' asks for.",
                        hint="Make judge and list of concepts by the same recipe.",
                    )
                self.fulfils[i, names.index(name)] = True

    def __call__(self, pixels: Tensor) -> Verdict:
        """The judge's own verdict on pictures [n, c, h, w] in 0 to 1."""
        return self.judge(pixels)

    def none(self, verdict: Verdict) -> NDArray[np.bool_]:
        """True where no class is accepted, [n]."""
        return verdict.labels >= len(self.names)

    def accepted(self, verdict: Verdict, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which prompt each picture fulfils, [n]: its own (`labels` [n]) where it does, else the first that
        it would fulfil, -1 where it fulfils none.
        """
        out = np.full(len(labels), -1, np.int64)
        for row, (label, found) in enumerate(zip(labels, verdict.labels, strict=True)):
            if found < len(self.names):
                right = np.flatnonzero(self.fulfils[:, found])
                out[row] = label if self.fulfils[label, found] else right[0] if len(right) else -1
        return out

    def plain(self, verdict: Verdict, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True where the best class, whatever the doubt, is what was asked for, [n]."""
        found: NDArray[np.bool_] = self.fulfils[labels, verdict.plain]
        return found


def prompt_judge(judge: Judge, plan: PromptPlan) -> PromptJudge | None:
    """The judge of a plan's prompts; None where no class of the judge is what the concept's own prompts ask for.

    Raises:
        AssetError: a prompt is fulfilled by a class that the judge does not have.
    """
    found = PromptJudge(judge, judge.names, plan)
    return found if found.fulfils[plan.labels("direct")].any() else None


def _network_of(weights: dict[str, Tensor]) -> SmallResNet:
    """A SmallResNet with one block a stage, of the sizes that its weights have."""
    stages = sorted(int(name.split(".")[1]) for name in weights if name.endswith("conv2.weight"))
    widths = [len(weights[f"stages.{stage}.conv2.weight"]) for stage in stages]
    with torch.random.fork_rng(devices=[]):  # fresh weights are drawn before the trained ones replace them
        return SmallResNet(weights["stem.0.weight"].shape[1], len(weights["head.weight"]), widths)


def pixels_of(images: NDArray[np.uint8]) -> Tensor:
    """uint8 [n, h, w, c] -> float32 [n, c, h, w] in 0 to 1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255).contiguous()


def normalised(pixels: Tensor, scale: tuple[float, float] = (MEAN, STD)) -> Tensor:
    """Pixels in 0 to 1 as a judge's network takes them."""
    mean, std = scale
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def features_of(network: SmallResNet, pixels: Tensor, scale: tuple[float, float] = (MEAN, STD)) -> Tensor:
    """Pooled features [n, d] in eval mode."""
    network.eval()
    return torch.cat([network.features(normalised(part, scale)) for part in torch.split(pixels, BATCH)])


def distances(features: Tensor, means: Tensor, whitening: Tensor) -> Tensor:
    """Mahalanobis distance of each row to its mean, [n]."""
    found: Tensor = ((features - means) @ whitening).norm(dim=1)
    return found
