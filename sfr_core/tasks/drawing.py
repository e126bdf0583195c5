"""A class-conditional diffusion model as what one can draw from: guided samples, and the live view made of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.nets.judge import Judge, pixels_of
from sfr_core.ops.device import UsedPrecision, autocast
from sfr_core.ops.diffusion import Predictor, alphas_cumprod
from sfr_core.ops.modes import kept_modes
from sfr_core.ops.sampling import sample, tiles
from sfr_core.tasks.base import Look
from sfr_core.tasks.sheets import accepted_classes, look_at

LOOK_SEED = 7


class DrawnModel(ABC):
    """A network that predicts noise, and a judge of what is drawn from it; implements Samplable and `look` of Watchable.

    Args:
        model: network called as (x, t, labels), with an answer that has `.sample`. Moved to `device`.
        judge: looks at the samples; None where there is none, then a look shows them and says nothing.
        forgotten: classes whose samples a look counts apart.
        null: the label that means "no class".
        shape: channels, height, width of what the network works on.
        device, precision: where and how forward passes run.

    Attributes:
        looks: looks in a run.
        look_columns, look_steps, look_guidance: pictures of each class in a look, and their sampler.
        clip: whether what the network works on ends at -1 and 1.
        layout: of what the network is given.
    """

    looks = 7
    look_columns = 4
    look_steps = 8
    look_guidance = 2.0
    clip = True
    layout = torch.contiguous_format
    _look_labels: NDArray[np.int64]

    def __init__(
        self,
        model: nn.Module,
        judge: Judge | None,
        *,
        forgotten: tuple[int, ...],
        null: int,
        shape: tuple[int, int, int],
        device: torch.device,
        precision: UsedPrecision,
    ) -> None:
        self.model = model.to(device, memory_format=self.layout)  # type: ignore[call-overload]
        self.judge, self.null, self.shape = judge, null, shape
        self.device, self.precision = device, precision
        self._forgotten = forgotten
        self._signal = alphas_cumprod().to(device)

    @abstractmethod
    def _pictures(self, x: Tensor) -> Tensor:
        """What people and the judge see of the model's samples [n, *shape]: uint8 [n, c, h, w] on the CPU."""

    def sample(
        self,
        labels: NDArray[np.int64],
        *,
        seed: int,
        steps: int,
        guidance: float,
        model: nn.Module | None = None,
    ) -> Generator[int, None, NDArray[np.uint8]]:
        drawn = yield from self._draw(
            self.model if model is None else model, labels, seed, steps, guidance, self._pictures
        )
        return tiles(drawn)

    def look(self, cancel: CancelToken) -> Look | None:
        """Some pictures of each class, the forgotten ones first, always from the same noise."""
        walk = self.sample(self._look_labels, seed=LOOK_SEED, steps=self.look_steps, guidance=self.look_guidance)
        try:
            while not cancel.cancelled:
                next(walk)
            walk.close()
            return None
        except StopIteration as end:
            accepted = None if self.judge is None else self._accepted(end.value)
            return look_at(
                end.value, self._look_labels, accepted, self._forgotten,
                columns=self.look_columns, steps=self.look_steps, guidance=self.look_guidance,
            )  # fmt: skip

    def _accepted(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Class that the judge accepts for each picture of a look, -1 where it accepts none."""
        assert self.judge is not None
        return accepted_classes(self.judge(pixels_of(images)))

    def _ask(self, model: nn.Module, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """All that the network says, float32 [n, channels out, h, w]."""
        with autocast(self.device, self.precision):
            out: Tensor = model(x.contiguous(memory_format=self.layout), t, labels).sample
        return out.float()

    def _predict(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        return self._predictor(self.model)(x, t, labels)

    def _predictor(self, model: nn.Module) -> Predictor:
        def predict(x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
            return self._ask(model, x, t, labels)[:, : self.shape[0]]

        return predict

    def _draw(
        self,
        model: nn.Module,
        labels: NDArray[np.int64],
        seed: int,
        steps: int,
        guidance: float,
        finish: Callable[[Tensor], Tensor],
    ) -> Generator[int, None, Tensor]:
        """Guided samples in eval mode, as `finish` keeps them; yields the sampler steps done."""
        with kept_modes(model):
            model.eval()
            return (
                yield from sample(
                    self._predictor(model),
                    labels,
                    self.shape,
                    null=self.null,
                    seed=seed,
                    steps=steps,
                    guidance=guidance,
                    device=self.device,
                    finish=finish,
                    clip=self.clip,
                    signal=self._signal,
                )
            )
