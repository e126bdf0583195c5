"""What a generator is trained on: given pictures, or such as it draws of itself, held in the space that it works in."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sfr_core.configs import MAX_SEED
from sfr_core.data.class_sets import SelfGenerated
from sfr_core.data.datasets import Dataset
from sfr_core.ops.sampling import levels, sampler_steps
from sfr_core.ops.stepwise import counted_on, drained
from sfr_core.tasks.base import Part
from sfr_core.tasks.classifier import LabelledBatch
from sfr_core.tasks.denoiser import Denoiser
from sfr_core.tasks.latents import batch_size, decode, encode, frozen


class Space(Protocol):
    """What a generator works on, [n, c, h, w], how it is held for training, and what people see of it."""

    def held(self, x: Tensor) -> Tensor:
        """How the model's own samples are held."""
        ...

    def read(self, held: Tensor) -> Tensor:
        """The model's input from what is held."""
        ...

    def shown(self, x: Tensor) -> Tensor:
        """What people and the judge see: uint8 [n, c, h, w] on the CPU."""
        ...


class Pixels:
    """Pixels in [-1, 1], held as uint8."""

    def held(self, x: Tensor) -> Tensor:
        return levels(x)

    def read(self, held: Tensor) -> Tensor:
        return held.float().div_(127.5).sub_(1)

    def shown(self, x: Tensor) -> Tensor:
        return levels(x)


class Latents:
    """Latents of a frozen autoencoder (diffusers' AutoencoderKL or AutoencoderTiny), which is moved to `device`.

    Attributes:
        safety: blackens pictures that a checker flags; None where there is none, or where somebody who counts what is shown took
            it away.
    """

    def __init__(
        self, autoencoder: nn.Module, device: torch.device, safety: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        self.autoencoder = frozen(autoencoder).to(device)
        self.safety = safety

    def held(self, x: Tensor) -> Tensor:
        return x

    def read(self, held: Tensor) -> Tensor:
        return held

    def shown(self, x: Tensor) -> Tensor:
        drawn = levels(drained(decode(self.autoencoder, x)))
        return drawn if self.safety is None else self.safety(drawn)

    def encoded(self, images: NDArray[np.uint8], seed: int) -> Making:
        """Latents of images [n, h, w, 3], each one draw from its posterior."""
        pictures = torch.from_numpy(images).permute(0, 3, 1, 2)
        work = -(-len(pictures) // batch_size(self.autoencoder, *pictures.shape[2:]))

        def draw() -> Generator[int, None, Tensor]:
            rng = torch.Generator().manual_seed(seed)
            return (yield from encode(self.autoencoder, pictures.float().div_(127.5).sub_(1), rng=rng))

        return Making(work, draw)


@dataclass(frozen=True, slots=True)
class Making:
    """How held pictures come to be before a run.

    Attributes:
        work: units of work.
        draw: yields the units that are done and returns the pictures.
        about: all that the pictures follow from beside weights and prompts, ready for JSON; None where nobody needs to know.
    """

    work: int
    draw: Callable[[], Generator[int, None, Tensor]]
    about: Mapping[str, Any] | None = None


class PictureStore:
    """Pictures with labels in two sets.

    Args:
        labels: of the pictures, int64 [n].
        forgotten: labels of the forget set.
        space: of the pictures.
        device: where they are held.
        held: pictures as `space` holds them, [n, ...], or how they are made (`prepare`).

    Attributes:
        rows: of the pictures in each set.
    """

    def __init__(
        self,
        labels: NDArray[np.int64],
        forgotten: tuple[int, ...],
        space: Space,
        device: torch.device,
        held: Tensor | Making,
    ) -> None:
        mine = np.isin(labels, forgotten)
        self.rows: dict[Part, NDArray[np.int64]] = {"forget": np.flatnonzero(mine), "remain": np.flatnonzero(~mine)}
        self.labels = torch.from_numpy(labels)
        self._space, self._device = space, device
        self._labels = self.labels.to(device)
        self._making = held if isinstance(held, Making) else None
        self.held = torch.zeros(0) if isinstance(held, Making) else held.to(device)

    def preparation(self) -> int:
        """Units of work that `prepare` still has to do."""
        return 0 if self._making is None else self._making.work

    @property
    def about(self) -> Mapping[str, Any] | None:
        """`Making.about` of pictures that are still to be made."""
        return None if self._making is None else self._making.about

    def take(self, held: Tensor) -> None:
        """Takes pictures that were made before as `prepare` would make them."""
        self.held, self._making = held.to(self._device), None

    def prepare(self) -> Generator[int, None, None]:
        """Makes the pictures where there are none yet."""
        if self._making is not None:
            self.take((yield from self._making.draw()))

    def batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        """One shuffled pass over a set."""
        for at in torch.split(_shuffled(torch.from_numpy(self.rows[part]), rng), size):
            yield self.batch(at)

    def batch(self, rows: Tensor) -> LabelledBatch:
        """The pictures of rows [n]."""
        at = rows.to(self._device)
        return LabelledBatch(self._space.read(self.held[at]), self._labels[at], at)

    def with_label(self, *labels: int) -> Tensor:
        """Rows [n] of the pictures with one of these labels."""
        return torch.nonzero(torch.isin(self.labels, torch.tensor(labels)))[:, 0]

    def some(self, label: int, n: int, rng: torch.Generator) -> Tensor:
        """Rows of n pictures with a label, or of all where there are fewer, in a random order."""
        return _shuffled(self.with_label(label), rng)[:n]

    def replaced(self, batch: LabelledBatch, labels: Tensor, rng: torch.Generator) -> Tensor:
        """A random held picture of each label [n]; that of the batch where there is none of it."""
        found = batch.x.clone()
        for label in torch.unique(labels):
            rows = self.with_label(int(label))
            mine = torch.nonzero(labels == label)[:, 0]
            if len(rows):
                at = rows[torch.randint(len(rows), (len(mine),), generator=rng)]
                found[mine] = self.batch(at).x
        return found


def self_generated(
    denoiser: Denoiser, space: Space, labels: NDArray[np.int64], forgotten: tuple[int, ...], how: SelfGenerated, seed: int
) -> Making:  # fmt: skip
    """Pictures of labels [n] that the model draws of itself, as it is then; those to keep without guidance."""
    # Beyond every seed that a run can have: no picture of the evaluation or of a visitor starts from this noise.
    mine, own_seed = np.isin(labels, forgotten), MAX_SEED + 1 + seed
    parts = ((np.flatnonzero(mine), how.guidance), (np.flatnonzero(~mine), 1.0))

    def work(rows: NDArray[np.int64]) -> int:
        return sampler_steps(len(rows), how.steps, denoiser.shape)

    def draw() -> Generator[int, None, Tensor]:
        done, drawn = 0, []
        for rows, guidance in parts:
            one = denoiser.draw(labels[rows], space.held, seed=own_seed, steps=how.steps, guidance=guidance)
            drawn.append((yield from counted_on(one, done)))
            done += work(rows)
        order = torch.from_numpy(np.concatenate([rows for rows, _ in parts]))
        held = torch.cat(drawn)
        return torch.empty_like(held).index_copy_(0, order.to(held.device), held)

    return Making(sum(work(rows) for rows, _ in parts), draw, about_own(labels, how, seed))


def about_own(labels: NDArray[np.int64], how: SelfGenerated, seed: int) -> dict[str, Any]:
    """`Making.about` of `self_generated` pictures."""
    return {"what": "own pictures", "labels": labels.tolist(), "how": asdict(how), "seed": MAX_SEED + 1 + seed}


def frozen_flips(dataset: Dataset, seed: int) -> NDArray[np.uint8]:
    """The training pictures; where a mirrored one is natural, half of them flipped, the same ones in the whole run."""
    images = dataset.train.images
    if not dataset.mirror:
        return images
    flipped = np.random.default_rng(seed).random(len(images)) < 0.5
    out = images.copy()
    out[flipped] = out[flipped, :, ::-1]
    return out


def _shuffled(rows: Tensor, rng: torch.Generator) -> Tensor:
    return rows[torch.randperm(len(rows), generator=rng)]
