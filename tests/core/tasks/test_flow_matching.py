"""A flow-matching model is one more schedule: the same denoiser, pictures, methods and sampler work with it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron_redirected import RedirectedConfig
from sfr_core.data.class_sets import PreviewSettings, next_kept
from sfr_core.events import Finished, Step
from sfr_core.methods.sfron import sfron
from sfr_core.ops.noise_schedule import Schedule
from sfr_core.ops.stepwise import drained
from sfr_core.tasks.denoiser import Denoiser
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.tasks.pictures import PictureStore, Pixels
from tests.core.tasks.by_hand import NULL, rng
from tests.core.tiny import same, state
from tests.core.tiny_ddpm_run import SMALL_DDPM, grey_dataset, tiny_judge
from tests.core.tiny_unet import tiny_unet

FORGOTTEN = (3,)


class FlowSchedule:
    """Straight paths x_s = (1 - s) x0 + s noise (rectified flow): the network predicts noise - x0, Euler steps go back along it."""

    def times(self, n: int, rng: torch.Generator) -> Tensor:
        return torch.rand(n, generator=rng)

    def at(self, part: Tensor, whole: int) -> Tensor:
        return part / whole

    def noisy(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        return torch.lerp(clean, noise, t.view(-1, 1, 1, 1))

    def target(self, clean: Tensor, noise: Tensor) -> Tensor:
        return noise - clean

    def predicted(self, output: Tensor, x: Tensor, t: Tensor) -> Tensor:
        return output

    def weights(self, t: Tensor) -> Tensor:
        return torch.ones_like(t)

    def grid(self, steps: int) -> tuple[float, ...]:
        return tuple(1 - step / steps for step in range(steps))

    def step(self, x: Tensor, predicted: Tensor, now: float, after: float | None) -> Tensor:
        return x + ((after or 0.0) - now) * predicted


class Straight(nn.Module):
    """Knows the whole data set: class c is the constant picture c / 10, so that the way from x at time s is (x - c / 10) / s."""

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> SimpleNamespace:
        return SimpleNamespace(sample=(x - y.view(-1, 1, 1, 1) / 10) / t.view(-1, 1, 1, 1))


def flow_task(network: nn.Module | None = None) -> DiffusionTask:
    cpu, data, space, how = torch.device("cpu"), grey_dataset(), Pixels(), PreviewSettings(columns=1, steps=2)
    schedule: Schedule = FlowSchedule()
    denoiser = Denoiser(network or tiny_unet(), schedule, shape=(1, 8, 8), null=NULL, device=cpu)
    images = torch.from_numpy(data.train.images).permute(0, 3, 1, 2)
    others = np.setdiff1d(np.arange(10), FORGOTTEN)
    return DiffusionTask(
        denoiser, space, PictureStore(data.train.labels, FORGOTTEN, space, cpu, images), tiny_judge(), forgotten=FORGOTTEN,
        classes=10, instead=next_kept(FORGOTTEN, 10), farthest_of=others, preview=how,
        preview_labels=how.labels(FORGOTTEN, others), fisher_guidance=3.0,
    )  # fmt: skip


def test_losses_are_those_of_straight_paths() -> None:
    task = flow_task()
    batch = next(task.batches("remain", 6, rng()))
    g = rng(1)
    s, noise = torch.rand(6, generator=g).view(-1, 1, 1, 1), torch.randn(batch.x.shape, generator=g)
    y = torch.where(torch.rand(6, generator=g) < 0.1, NULL, batch.y)
    with torch.no_grad():
        said = task.model((1 - s) * batch.x + s * noise, s.flatten(), y).sample
    want = (said - (noise - batch.x)).square().mean((1, 2, 3))
    torch.testing.assert_close(task.losses(batch, rng(1)).detach(), want)


@pytest.mark.parametrize("steps", [1, 3])
def test_samples_go_back_along_the_flow(steps: int) -> None:
    task = flow_task(Straight())
    drawn = drained(task.sample(np.array([0, 5, 9]), seed=0, steps=steps, guidance=1.0))
    assert drawn[:, 0, 0, 0].tolist() == [round((1 + c / 10) * 127.5) for c in (0, 5, 9)]
    assert (drawn == drawn[:, :1, :1]).all()


@pytest.mark.parametrize(
    "changes",
    [{}, {"remain_loss": "recall", "recall_weights": "noise", "forget_loss": "relative", "adaptive": False}],
)
def test_sfron_unlearns_it_and_previews_it_like_any_other(changes: dict[str, object]) -> None:
    task = flow_task()
    before = state(task.model)
    config = RedirectedConfig.from_dict({**SMALL_DDPM["sfr-on"], **changes})
    events = list(sfron(task, config, rng=rng(), cancel=CancelToken()))
    assert isinstance(events[-1], Finished)
    assert len([e for e in events if isinstance(e, Step)]) == 4
    assert not same(before, state(task.model))
    preview = task.preview(CancelToken())
    assert preview is not None
    assert preview.record is not None
    assert task.label_gap(next(task.batches("forget", 4, rng())), rng()) != 0.0
    assert task.stratified_losses(next(task.batches("forget", 2, rng())), 4, rng()).shape == (2, 4)
