"""The diffusion task on a network of one weight a class, so that every loss can be worked out by hand; and on a tiny U-Net."""

from __future__ import annotations

import base64
import copy
import io
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.configs import MAX_SEED
from sfr_core.data.splits import parse_forget, split_rows
from sfr_core.ops.denoising import antithetic_timesteps
from sfr_core.ops.diffusion import alphas_cumprod
from sfr_core.ops.walks import drained
from sfr_core.tasks import base
from sfr_core.tasks.class_sets import next_kept
from sfr_core.tasks.ddpm import DiffusionTask
from tests.core.tiny import CLASSES, same, state
from tests.core.tiny_ddpm_run import FORGET, ddpm_task, grey_dataset, tiny_judge

NULL = 10


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@dataclass
class Out:
    sample: Tensor


class PerClass(nn.Module):
    """Predicts the constant e(label) as the noise, and notes what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.e = nn.Parameter(torch.arange(11) / 10.0)
        self.asked: list[tuple[Tensor, Tensor, Tensor]] = []

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> Out:
        self.asked.append((x.detach().clone(), t, y))
        return Out(self.e[y].view(-1, 1, 1, 1).expand_as(x))


def by_hand(forget: str = FORGET, **options: Any) -> tuple[DiffusionTask, PerClass]:
    dataset = grey_dataset()
    net = PerClass()
    split = split_rows(parse_forget(forget, CLASSES), dataset.train.labels)
    return DiffusionTask(net, dataset, split, tiny_judge(), device=torch.device("cpu"), **options), net


def draws(n: int, seed: int, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Timesteps, noise and labels after dropout, as `losses` draws them."""
    g = rng(seed)
    t = antithetic_timesteps(n, g)
    noise = torch.randn((n, 1, 8, 8), generator=g)
    return t, noise, torch.where(torch.rand(n, generator=g) < 0.1, NULL, labels)


@pytest.mark.parametrize(
    "protocol",
    [
        "Task",
        "FisherTask",
        "Redirectable",
        "Recallable",
        "Labelled",
        "Replayable",
        "Restartable",
        "Watchable",
        "Preparable",
        "Samplable",
    ],
)
def test_protocols(protocol: str) -> None:
    assert isinstance(ddpm_task(), getattr(base, protocol))
    assert not isinstance(ddpm_task(), base.Distillable)


def test_losses_are_the_summed_squared_error_of_the_noise() -> None:
    task, net = by_hand()
    batch = next(task.remain_batches(45, rng()))
    t, noise, y = draws(45, 7, batch.y)
    assert 0 < int((y == NULL).sum()) < 45  # the draw does drop some
    losses = task.losses(batch, rng(7))
    want = [float(((0.1 * int(c) - noise[i]) ** 2).sum()) for i, c in enumerate(y)]
    assert losses.tolist() == pytest.approx(want, rel=1e-5)
    x, asked_t, asked_y = net.asked[-1]
    assert torch.equal(asked_t, t)
    assert torch.equal(asked_y, y)
    share = alphas_cumprod()[t].view(-1, 1, 1, 1)
    assert torch.allclose(x, share.sqrt() * batch.x + (1 - share).sqrt() * noise, atol=1e-6)


def test_pictures_lie_between_minus_one_and_one() -> None:
    task, _ = by_hand()
    batch = next(task.forget_batches(6, rng()))
    pixels = grey_dataset().train.images[batch.rows.numpy()].astype(np.float64)
    assert np.allclose(batch.x.numpy(), (pixels / 127.5 - 1).transpose(0, 3, 1, 2), atol=1e-6)
    assert set(batch.y.tolist()) == {3}


def test_fisher_losses_look_at_the_guided_prediction_and_drop_no_label() -> None:
    task, net = by_hand()
    batch = next(task.fisher_batches("remain", 20, rng()))
    _, noise, _ = draws(20, 7, batch.y)
    losses = task.fisher_losses(batch, rng(7))
    # e(null) is 1.0: (1 + 2) e(c) - 2 e(null).
    want = [float(((3 * 0.1 * int(c) - 2 * 1.0 - noise[i]) ** 2).sum()) for i, c in enumerate(batch.y)]
    assert losses.tolist() == pytest.approx(want, rel=1e-5)
    assert net.asked[-1][2].tolist() == batch.y.tolist() + [NULL] * 20
    half, _ = by_hand(fisher_scale=0.5)
    found = half.fisher_losses(batch, rng(7))
    want = [float(((1.5 * 0.1 * int(c) - 0.5 * 1.0 - noise[i]) ** 2).sum()) for i, c in enumerate(batch.y)]
    assert found.tolist() == pytest.approx(want, rel=1e-5)


def test_redirection_goes_to_the_next_class_and_no_gradient_flows_into_the_target() -> None:
    task, net = by_hand()
    batch = next(task.forget_batches(6, rng()))
    g = rng(3)
    antithetic_timesteps(6, g)
    torch.randn((6, 1, 8, 8), generator=g)
    mine = torch.where(torch.rand(6, generator=g) < 0.1, NULL, 3)
    other = torch.where(torch.rand(6, generator=g) < 0.1, NULL, 4)
    losses = task.redirect_losses(batch, rng(3))
    want = (0.1 * mine - 0.1 * other) ** 2  # mean over pixels of a constant
    assert losses.tolist() == pytest.approx(want.tolist(), abs=1e-6)
    losses.sum().backward()
    assert net.e.grad is not None
    only_mine = {int(c) for c in mine}
    assert {i for i, g in enumerate(net.e.grad) if g != 0} <= only_mine
    remain = next(task.remain_batches(30, rng()))
    kept = task.redirect_losses(remain, rng(3))
    assert ((kept == 0) | (net.asked[-1][2] == NULL) | (net.asked[-2][2] == NULL)).all()  # its own answer


@pytest.mark.parametrize(
    ("forgotten", "want"), [((3,), {3: 4}), ((9,), {9: 0}), ((8, 9), {8: 0, 9: 0}), ((0, 1, 4), {0: 2, 1: 2, 4: 5})]
)
def test_the_class_to_draw_instead_is_the_next_that_is_kept(forgotten: tuple[int, ...], want: dict[int, int]) -> None:
    assert next_kept(forgotten, 10).tolist() == [want.get(c, c) for c in range(10)]


def test_the_label_gap_compares_both_answers_on_the_same_noise() -> None:
    task, net = by_hand()
    batch = next(task.forget_batches(4, rng(1)))
    net.train()
    gap = task.label_gap(batch, rng(3))
    (x, t, told), (same_x, same_t, untold) = net.asked
    assert torch.equal(x, same_x)
    assert t.tolist() == same_t.tolist() == [250, 312, 375, 437]
    assert told.tolist() == batch.y.tolist()
    assert set(untold.tolist()) == {NULL}
    noise = torch.randn((4, 1, 8, 8), generator=rng(3))
    errors = [(net.e.detach()[c] - noise).square().mean((1, 2, 3)) for c in (int(batch.y[0]), NULL)]
    assert gap == pytest.approx(float((errors[0] / errors[1]).log().mean()))
    assert net.training
    assert net.e.grad is None


def test_amnesia_sees_static_for_the_forgotten_and_whole_labels() -> None:
    task, net = by_hand()
    batch = next(task.forget_batches(6, rng()))
    g = rng(5)
    static = torch.rand((6, 1, 8, 8), generator=g) * 2 - 1
    t = antithetic_timesteps(6, g)
    noise = torch.randn((6, 1, 8, 8), generator=g)
    losses = task.surrogate_losses(batch, rng(5))
    assert losses.tolist() == pytest.approx([float(((0.3 - n) ** 2).sum()) for n in noise], rel=1e-5)
    share = alphas_cumprod()[t].view(-1, 1, 1, 1)
    assert torch.allclose(net.asked[-1][0], share.sqrt() * static + (1 - share).sqrt() * noise, atol=1e-6)
    remain = next(task.remain_batches(54, rng()))
    task.replay_losses(remain, rng(5))
    assert net.asked[-1][2].tolist() == remain.y.tolist()  # nothing dropped among 54


def test_stratified_losses_take_one_timestep_from_each_part() -> None:
    task, net = by_hand()
    batch = next(task.remain_batches(5, rng()))
    losses = task.stratified_losses(batch, 3, rng(2))
    assert losses.shape == (5, 3)
    t = net.asked[-1][1].view(5, 3)
    assert all(
        low <= int(v) < high for row in t for v, low, high in zip(row, (0, 333, 666), (333, 666, 1000), strict=True)
    )
    g = rng(2)
    torch.rand((5, 3), generator=g)
    noise = torch.randn((15, 1, 8, 8), generator=g).view(5, 3, -1)
    want = ((0.1 * batch.y.view(5, 1, 1) - noise) ** 2).sum(2)
    assert torch.allclose(losses, want, rtol=1e-5)


def test_pictures_class_by_class() -> None:
    task, _ = by_hand()
    found = list(task.class_pictures(2, rng()))
    assert [int(b.y) for b in found] == [c for c in range(10) for _ in range(2)]
    assert len({int(b.rows) for b in found}) == 20


def test_a_digest_tells_one_pixel_and_one_label_apart_but_no_copies() -> None:
    task, _ = by_hand()
    batch = next(task.class_pictures(1, rng()))
    pixels, labels = batch.x.clone(), batch.y.clone()
    assert task.digest(batch) == task.digest(replace(batch, x=pixels, y=labels))
    pixels[0, 0, 7, 7] += 1 / 127.5
    assert task.digest(batch) != task.digest(replace(batch, x=pixels))
    assert task.digest(batch) != task.digest(replace(batch, y=labels + 1))


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("part", ["forget", "remain"])
def test_one_pass_is_every_row_once(part: Any, size: int) -> None:
    task = ddpm_task()
    batches = list(getattr(task, f"{part}_batches")(size, rng()))
    assert sorted(int(r) for b in batches for r in b.rows) == getattr(task.split, part).tolist()
    assert task.count(part) == len(getattr(task.split, part))


def test_everything_is_drawn_from_the_generator_that_is_handed_in() -> None:
    task = ddpm_task()
    batch = next(task.remain_batches(8, rng()))
    held = torch.random.get_rng_state()
    for name in ("losses", "fisher_losses", "redirect_losses", "surrogate_losses", "replay_losses"):
        a, b, c = (getattr(task, name)(batch, rng(s)).detach() for s in (1, 1, 2))
        assert torch.equal(a, b), name
        assert not torch.equal(a, c), name
    assert torch.equal(held, torch.random.get_rng_state())


def test_flips_are_frozen_and_only_where_a_mirrored_picture_is_natural() -> None:
    dataset = grey_dataset(mirror=True)
    first, again = (ddpm_task(dataset=dataset, seed=1) for _ in range(2))
    assert torch.equal(first._held, again._held)
    plain = torch.from_numpy(dataset.train.images).permute(0, 3, 1, 2)
    kept = (first._held == plain).flatten(1).all(1)
    mirrored = (first._held == plain.flip(3)).flatten(1).all(1)
    assert (kept | mirrored).all()
    assert 15 < int(kept.sum()) < 45
    assert not torch.equal(first._held, ddpm_task(dataset=dataset, seed=2)._held)
    assert torch.equal(ddpm_task()._held, torch.from_numpy(grey_dataset().train.images).permute(0, 3, 1, 2))


def test_a_look_is_a_sheet_and_its_shares() -> None:
    task = ddpm_task("class:five,three")
    before, held = state(task.model), torch.random.get_rng_state()
    task.model.train()
    look, again = task.look(CancelToken()), task.look(CancelToken())
    assert look == again
    assert all(m.training for m in task.model.modules())
    assert same(before, state(task.model))
    assert torch.equal(held, torch.random.get_rng_state())
    assert look is not None
    sheet = look.sheet
    assert sheet is not None
    order = [3, 5, 0, 1, 2, 4, 6, 7, 8, 9]
    assert sheet.labels == tuple(c for c in order for _ in range(DiffusionTask.look_columns))
    assert (sheet.side, sheet.columns, sheet.steps) == (8, DiffusionTask.look_columns, DiffusionTask.look_steps)
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet.png))))
    assert picture.shape == (80, 8 * DiffusionTask.look_columns)
    hits = [a == b for a, b in zip(sheet.accepted, sheet.labels, strict=True)]
    n = 2 * DiffusionTask.look_columns
    assert (look.record.n_forget, look.record.n_remain) == (n, 8 * DiffusionTask.look_columns)
    assert look.record.forget == pytest.approx(100 * sum(hits[:n]) / n)
    assert look.record.remain == pytest.approx(100 * sum(hits[n:]) / (8 * DiffusionTask.look_columns))


def test_a_rejected_picture_is_accepted_as_none() -> None:
    dataset = grey_dataset()
    split = split_rows(parse_forget(FORGET, CLASSES), dataset.train.labels)
    task = DiffusionTask(ddpm_task().model, dataset, split, tiny_judge(limit=0.0), device=torch.device("cpu"))
    look = task.look(CancelToken())
    assert look is not None
    assert look.sheet is not None
    assert set(look.sheet.accepted) == {-1}
    assert (look.record.forget, look.record.remain) == (0.0, 0.0)


class StopsAfter(CancelToken):
    """Counts as cancelled once it was asked n times."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left = n

    @property
    def cancelled(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_look_stops_within_one_sampler_step() -> None:
    task, net = by_hand()
    assert task.look(StopsAfter(3)) is None
    assert len(net.asked) == 3


def test_without_data_both_sets_are_the_models_own_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DiffusionTask, "free_forget", 6)
    monkeypatch.setattr(DiffusionTask, "free_remain", 3)
    tasks = [ddpm_task("class:three,five", data="data-free", seed=s) for s in (0, 0, 1)]
    first = tasks[0]
    assert (first.count("forget"), first.count("remain")) == (6, 24)
    assert first.preparation() == 2 * first.free_steps
    assert [list(task.prepare()) for task in tasks] == [list(range(1, 2 * first.free_steps + 1))] * 3
    assert torch.equal(first._held, tasks[1]._held)
    assert not torch.equal(first._held, tasks[2]._held)
    assert first.preparation() == 0
    assert list(first.prepare()) == []
    batch = next(first.forget_batches(10, rng()))
    assert sorted(batch.y.tolist()) == [3, 3, 3, 5, 5, 5]
    assert first.free_guidance != 1
    for label, guidance in ((3, first.free_guidance), (4, 1.0)):  # what is kept is drawn without guidance
        walk = first.sample(np.full(3, label), seed=MAX_SEED + 1, steps=first.free_steps, guidance=guidance)
        mine = first._held[first._labels == label].permute(0, 2, 3, 1).numpy()
        # Another batch rounds differently in the last bits at most.
        assert np.abs(drained(walk).astype(int) - mine).max() <= 1


def test_a_new_model_has_the_same_shape_and_seeded_weights() -> None:
    task = ddpm_task()
    a, b, c = (state(task.new_model(rng(s))) for s in (0, 0, 1))
    assert same(a, b)
    assert not same(a, c)
    assert {k: v.shape for k, v in a.items()} == {k: v.shape for k, v in state(task.model).items()}


def test_the_precision_is_measured_without_changing_anything() -> None:
    task = ddpm_task()
    before, held = state(task.model), torch.random.get_rng_state()
    assert task.pick_precision("bf16", 8) == "bf16"
    assert task.pick_precision("auto", 8) in ("fp32", "bf16")
    assert same(before, state(task.model))
    assert torch.equal(held, torch.random.get_rng_state())


def test_half_precision_runs_and_is_close() -> None:
    full, half = ddpm_task(), ddpm_task(precision="bf16")
    batch = next(full.remain_batches(16, rng()))
    a, b = full.losses(batch, rng(1)), half.losses(batch, rng(1))
    assert b.dtype == torch.float32
    assert torch.allclose(a, b, rtol=0.02)
    assert not torch.equal(a, b)


def test_recalled_answers_by_hand() -> None:
    task, net = by_hand()
    before, seed = copy.deepcopy(net), 3
    batch = next(task.remain_batches(6, rng()))
    assert task.recall_losses(batch, before, rng(seed)).detach().tolist() == [0.0] * 6
    with torch.no_grad():
        net.e.add_(0.25)
    # Every answer moved by 1/4 on each of 64 pixels; the sum, as in the training loss.
    assert task.recall_losses(batch, before, rng(seed)).detach() == pytest.approx(64 / 16)
    _, _, labels = draws(6, seed, batch.y)
    assert torch.equal(before.asked[-1][2], labels)  # dropped labels are asked of both
    assert torch.equal(net.asked[-1][0], before.asked[-1][0])


def test_recalled_answers_count_by_the_noise_of_their_timestep() -> None:
    task, net = by_hand()
    before, seed = copy.deepcopy(net), 3
    batch = next(task.remain_batches(6, rng()))
    with torch.no_grad():
        net.e.add_(0.25)
    t, _, _ = draws(6, seed, batch.y)
    share = alphas_cumprod()
    # Noise over signal, square root, at most 30, over the mean of all timesteps.
    weights = [min(30.0, math.sqrt((1 - float(a)) / float(a))) for a in share]
    mean = sum(weights) / len(weights)
    found = task.recall_losses(batch, before, rng(seed), "noise").detach()
    assert found.tolist() == pytest.approx([4.0 * weights[int(at)] / mean for at in t], rel=1e-4)


def test_share_of_the_way_to_another_class_by_hand() -> None:
    task, net = by_hand()
    before = copy.deepcopy(net)
    batch = next(task.forget_batches(4, rng()))
    assert task.relative_losses(batch, before, rng()).detach() == pytest.approx(1.0)
    (label,) = set(batch.y.tolist())
    other = int(next_kept((label,), 10, 1)[label])
    with torch.no_grad():
        net.e[label] = (net.e[label] + net.e[other]) / 2
    assert task.relative_losses(batch, before, rng()).detach() == pytest.approx(0.25)


def test_the_way_is_asked_for_on_pictures_of_the_other_class() -> None:
    task, _ = by_hand()
    batch = next(task.forget_batches(4, rng()))
    held = grey_dataset().train
    for label in (3, 7):
        found = task._pictures_of(torch.full_like(batch.y, label), batch, rng())
        mine = torch.from_numpy(held.images[held.labels == label]).permute(0, 3, 1, 2).float() / 127.5 - 1
        flipped = torch.cat([mine, mine.flip(3)])
        assert all((picture == flipped).flatten(1).all(1).any() for picture in found)
    assert torch.equal(task._pictures_of(torch.full_like(batch.y, NULL), batch, rng()), batch.x)  # none is held


def test_the_other_class_is_the_farthest() -> None:
    task, net = by_hand()
    # Constant answers, so that the distance of two classes is the square of their difference; class 3 is to be forgotten.
    answers = [0.0, 9.0, 5.0, 2.0, 2.5, 20.0, 1.0, 3.5, 30.0, 7.0]
    with torch.no_grad():
        net.e[: len(answers)] = torch.tensor(answers)
    (forgotten,) = task.split.spec.classes
    farthest = 8  # 28 away
    assert task._farthest_from(net, forgotten) == farthest
    before, batch = copy.deepcopy(net), next(task.forget_batches(4, rng()))
    drawn = rng(3)
    untouched = drawn.get_state()
    assert task._instead(before, "next")[forgotten] == (forgotten + 1) % 10
    assert task._instead(before, "farthest")[forgotten] == farthest
    assert torch.equal(drawn.get_state(), untouched)  # the run's own draws are not asked
    with torch.no_grad():
        net.e[forgotten] = answers[farthest]
    assert task.relative_losses(batch, before, rng(), "farthest").detach() == pytest.approx(0.0)
    assert task._instead(net, "farthest")[forgotten] == farthest  # chosen once, by the model as it was
