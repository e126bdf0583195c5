"""What all diffusion tasks share, kind by kind: every loss by hand, batches, previews, self-generated pictures, new models."""

from __future__ import annotations

import base64
import copy
import io
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sfr_core.cancel import CancelToken
from sfr_core.configs import MAX_SEED
from sfr_core.data.class_sets import PreviewSettings, SelfGenerated, next_kept
from sfr_core.ops.stepwise import drained
from sfr_core.tasks.diffusion import DiffusionTask
from tests.core.tasks.by_hand import CLASSES, KINDS, NULL, Hand, by_hand, rng
from tests.core.tiny import same, state
from tests.core.tiny_ddpm_run import ddpm_task, tiny_judge
from tests.core.tiny_dit import SIDE, dit_task, ready_dit_task
from tests.core.tiny_sd import concept_plan, sd_task

every_kind = pytest.mark.parametrize("kind", KINDS)
every_class_kind = pytest.mark.parametrize("kind", CLASSES)
REAL: dict[str, Callable[..., DiffusionTask]] = {
    "ddpm": ddpm_task,
    "dit": dit_task,
    "text-to-image": lambda **options: sd_task(ready=False, **options),
}
"""Real networks; pictures of the last two are not drawn yet."""
OWN = SelfGenerated(forget=6, remain=3, steps=4)


@every_kind
def test_losses_are_the_squared_error_of_the_noise(kind: str) -> None:
    hand = by_hand(kind)
    batch = hand.remain(45)
    t, noise, y = hand.draws(batch.y, 7)
    dropped = int((y == hand.task.null).sum())
    assert 0 < dropped < 45 if kind in CLASSES else dropped == 0  # the draw does drop some labels, and no prompts
    assert hand.task.losses(batch, rng(7)).tolist() == pytest.approx(hand.error(hand.said(y), noise).tolist(), rel=1e-5)
    x, asked_t, asked = hand.net.asked[-1]
    assert torch.equal(asked_t, t)
    assert torch.equal(asked, hand.task.denoiser.condition(y))
    assert torch.allclose(x, hand.noisy(batch.x, t, noise), atol=1e-6)
    drawn = len(t) // 2 + 1
    assert torch.equal(t[drawn:], 999 - t[: len(t) - drawn]) == (kind == "ddpm")


@pytest.mark.parametrize(
    ("kind", "options", "w"),
    [("ddpm", {}, 3.0), ("ddpm", {"fisher_scale": 0.5}, 1.5), ("dit", {}, 1.0), ("text-to-image", {}, 8.5)],
)
def test_the_fisher_looks_at_the_guided_prediction_and_drops_no_label(
    kind: str, options: dict[str, float], w: float
) -> None:
    hand = by_hand(kind, **options)
    batch = next(hand.task.fisher_batches("remain", 20, rng()))
    _, noise, _ = hand.draws(batch.y, 7)
    null = hand.said(torch.tensor([hand.task.null]))
    guess = w * hand.said(batch.y) - (w - 1) * null
    found = hand.task.fisher_losses(batch, rng(7))
    assert found.tolist() == pytest.approx(hand.error(guess, noise).tolist(), rel=1e-5)
    asked = hand.net.asked[-1][2]
    told = hand.task.denoiser.condition(torch.cat([batch.y, torch.full_like(batch.y, hand.task.null)]))
    assert torch.equal(asked, told[: len(batch.y)] if w == 1 else told)


@every_kind
def test_redirection_goes_to_a_kept_label_and_no_gradient_flows_into_the_target(kind: str) -> None:
    hand = by_hand(kind)
    batch = hand.forget(6)
    n, g = len(batch.y), rng(3)
    hand.times(n, g)
    torch.randn((n, *hand.task.shape), generator=g)
    mine, other = hand.dropped(batch.y, g), hand.dropped(torch.full_like(batch.y, concept_plan().anchor if kind == "text-to-image" else 4), g)  # fmt: skip
    losses = hand.task.redirect_losses(batch, rng(3))
    way = hand.said(mine) - hand.said(other)
    torch.testing.assert_close(losses.detach(), way.square(), atol=1e-6, rtol=1e-5)  # mean over pixels of a constant
    losses.sum().backward()
    assert hand.net.e.grad is not None
    if kind == "text-to-image":  # d/dw (w s - stop(w a))^2 = 2 (w s - w a) s
        torch.testing.assert_close(hand.net.e.grad, (2 * way * hand.said(mine) / 2.0).sum())
    else:
        assert {i for i, part in enumerate(hand.net.e.grad) if part != 0} <= {int(c) for c in mine}
    remain = hand.remain(30)
    kept = hand.task.redirect_losses(remain, rng(3))
    dropped = (hand.net.asked[-1][2] == NULL) | (hand.net.asked[-2][2] == NULL) if kind in CLASSES else False
    assert ((kept == 0) | dropped).all()  # its own answer


def test_redirection_as_published_for_transformers_learns_another_label() -> None:
    hand = by_hand("dit", redirection="label")
    batch = hand.forget(6)
    _, noise, y = hand.draws(torch.full_like(batch.y, 4), 3)
    want = hand.error(hand.said(y), noise)
    assert hand.task.redirect_losses(batch, rng(3)).tolist() == pytest.approx(want.tolist(), rel=1e-5)


@every_kind
def test_the_label_gap_compares_both_answers_on_the_same_noise(kind: str) -> None:
    hand = by_hand(kind)
    batch = hand.forget(4)
    hand.net.train()
    gap = hand.task.label_gap(batch, rng(3))
    (x, t, told), (same_x, same_t, untold) = hand.net.asked
    assert torch.equal(x, same_x)
    assert t.tolist() == same_t.tolist() == [250, 312, 375, 437]
    null = torch.full_like(batch.y, hand.task.null)
    assert torch.equal(told, hand.task.denoiser.condition(batch.y))
    assert torch.equal(untold, hand.task.denoiser.condition(null))
    noise = torch.randn((4, *hand.task.shape), generator=rng(3))
    errors = [(hand.said(labels).view(-1, 1, 1, 1) - noise).square().mean((1, 2, 3)) for labels in (batch.y, null)]
    assert gap == pytest.approx(float((errors[0] / errors[1]).log().mean()), abs=1e-7)
    assert hand.net.training
    assert hand.net.e.grad is None


@every_kind
def test_amnesia_sees_static_for_the_forgotten_and_whole_labels(kind: str) -> None:
    hand = by_hand(kind)
    batch = hand.forget(6)
    g = rng(5)
    static = torch.rand(batch.x.shape, generator=g) * 2 - 1
    t = hand.times(6, g)
    noise = torch.randn(batch.x.shape, generator=g)
    losses = hand.task.surrogate_losses(batch, rng(5))
    assert losses.tolist() == pytest.approx(hand.error(hand.said(batch.y), noise).tolist(), rel=1e-5)
    assert torch.allclose(hand.net.asked[-1][0], hand.noisy(static, t, noise), atol=1e-6)
    remain = hand.remain(54)
    hand.task.replay_losses(remain, rng(5))
    assert torch.equal(hand.net.asked[-1][2], hand.task.denoiser.condition(remain.y))  # nothing dropped


@every_kind
def test_stratified_losses_take_one_time_from_each_part(kind: str) -> None:
    hand = by_hand(kind)
    batch = hand.remain(5)
    losses = hand.task.stratified_losses(batch, 3, rng(2))
    assert losses.shape == (5, 3)
    t = hand.net.asked[-1][1].view(5, 3)
    assert all(
        low <= int(v) < high for row in t for v, low, high in zip(row, (0, 333, 666), (333, 666, 1000), strict=True)
    )
    g = rng(2)
    torch.rand((5, 3), generator=g)
    noise = torch.randn((15, *hand.task.shape), generator=g)
    want = hand.error(hand.said(batch.y).repeat_interleave(3), noise).view(5, 3)
    assert torch.allclose(losses, want, rtol=1e-5)


@every_class_kind
def test_pictures_class_by_class_and_digests_that_tell_one_pixel_and_one_label_apart_but_no_copies(kind: str) -> None:
    task = by_hand(kind).task
    found = list(task.class_pictures(2, rng()))
    assert [int(b.y) for b in found] == [c for c in range(10) for _ in range(2)]
    assert len({int(b.rows) for b in found}) == 20
    batch = found[0]
    pixels, labels = batch.x.clone(), batch.y.clone()
    assert task.digest(batch) == task.digest(replace(batch, x=pixels, y=labels))
    pixels[0, 0, -1, -1] += 1 / 127.5
    assert task.digest(batch) != task.digest(replace(batch, x=pixels))
    assert task.digest(batch) != task.digest(replace(batch, y=labels + 1))


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("part", ["forget", "remain"])
@every_kind
def test_one_pass_is_every_row_once(kind: str, part: Any, size: int) -> None:
    task = by_hand(kind).task
    batches = list(task.batches(part, size, rng()))
    rows = np.flatnonzero(np.isin(task.store.labels, task.forgotten) == (part == "forget")).tolist()
    assert sorted(int(r) for b in batches for r in b.rows) == rows
    assert task.count(part) == len(rows)


@every_class_kind
def test_everything_is_drawn_from_the_generator_that_is_handed_in(kind: str) -> None:
    task = ddpm_task() if kind == "ddpm" else ready_dit_task()
    task.model.train()
    batch = next(task.batches("remain", 8, rng()))
    held = torch.random.get_rng_state()
    for name in ("losses", "fisher_losses", "redirect_losses", "surrogate_losses", "replay_losses"):
        a, b, c = (getattr(task, name)(batch, rng(s)).detach() for s in (1, 1, 2))
        assert torch.equal(a, b), name
        assert not torch.equal(a, c), name
    assert torch.equal(held, torch.random.get_rng_state())


@every_kind
def test_a_preview_is_a_sheet_and_its_shares_and_changes_nothing(kind: str) -> None:
    forget: dict[str, Any] = {} if kind == "text-to-image" else {"forget": "class:five,three"}
    task = REAL[kind](**forget)
    before, held = state(task.model), torch.random.get_rng_state()
    task.model.train()
    preview, again = task.preview(CancelToken()), task.preview(CancelToken())
    assert preview is not None
    assert preview == again
    assert all(m.training for m in task.model.modules())
    assert same(before, state(task.model))
    assert torch.equal(held, torch.random.get_rng_state())
    sheet, how = preview.sheet, PreviewSettings(guidance=3.0 if kind == "text-to-image" else 2.0)
    assert sheet is not None
    order = [3, 5, 0, 1, 2, 4, 6, 7, 8, 9] if kind in CLASSES else [0, 1, 2, 4, 5, 6]
    assert sheet.labels == tuple(c for c in order for _ in range(how.columns))
    side = 8 if kind == "ddpm" else SIDE
    assert (sheet.side, sheet.columns, sheet.steps, sheet.guidance) == (side, how.columns, how.steps, how.guidance)
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet.png))))
    assert picture.shape[:2] == (len(order) * side, side * how.columns)
    if kind == "text-to-image":  # nobody judges it
        assert (preview.record, sheet.accepted) == (None, ())
        return
    hits = [a == b for a, b in zip(sheet.accepted, sheet.labels, strict=True)]
    n = 2 * how.columns
    assert (preview.record.n_forget, preview.record.n_remain) == (n, 8 * how.columns)
    assert preview.record.forget == pytest.approx(100 * sum(hits[:n]) / n)
    assert preview.record.remain == pytest.approx(100 * sum(hits[n:]) / (8 * how.columns))


def test_a_rejected_picture_is_accepted_as_none() -> None:
    preview = ddpm_task(judge=tiny_judge(limit=0.0)).preview(CancelToken())
    assert preview is not None
    assert preview.sheet is not None
    assert set(preview.sheet.accepted) == {-1}
    assert (preview.record.forget, preview.record.remain) == (0.0, 0.0)


class StopsAfter(CancelToken):
    """Counts as cancelled once it was asked n times."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left = n

    @property
    def cancelled(self) -> bool:
        self.left -= 1
        return self.left < 0


@every_kind
def test_a_preview_stops_within_one_sampler_step(kind: str) -> None:
    hand = by_hand(kind)
    assert hand.task.preview(StopsAfter(3)) is None
    assert len(hand.net.asked) == 3


def test_of_many_classes_a_preview_and_the_drawn_pictures_are_of_some() -> None:
    task = dit_task(preview=PreviewSettings(classes=4), own=SelfGenerated(forget=6, remain=3, most=9))
    assert sorted(set(task.preview_labels.tolist())) == [0, 3, 4, 7]
    assert sorted(set(task.store.labels.tolist())) == [0, 3, 4, 7]
    assert len(dit_task().preview_labels) == 10 * PreviewSettings().columns


@every_kind
def test_without_data_both_sets_are_the_models_own_pictures(kind: str) -> None:
    tasks = [
        sd_task(ready=False, seed=s, own=OWN) if kind == "text-to-image"
        else REAL[kind](forget="class:three,five", data="data-free", seed=s, own=OWN)
        for s in (0, 0, 1)
    ]  # fmt: skip
    first, plan = tasks[0], concept_plan()
    counts = (len(plan.split.forget), len(plan.split.remain)) if kind == "text-to-image" else (6, 24)
    assert (first.count("forget"), first.count("remain")) == counts
    assert first.preparation() == 2 * OWN.steps
    assert [list(task.prepare()) for task in tasks] == [list(range(1, 2 * OWN.steps + 1))] * 3
    held = [task.store.held for task in tasks]
    assert torch.equal(held[0], held[1])
    assert not torch.equal(held[0], held[2])
    assert first.preparation() == 0
    assert list(first.prepare()) == []
    batch = next(first.batches("forget", 10, rng()))
    assert sorted(batch.y.tolist()) == ([0, 0, 0, 1, 1, 1] if kind == "text-to-image" else [3, 3, 3, 5, 5, 5])
    assert batch.x.shape[1:] == first.shape
    if kind == "ddpm":
        assert OWN.guidance != 1
        for label, guidance in ((3, OWN.guidance), (4, 1.0)):  # what is kept is drawn without guidance
            work = first.sample(np.full(3, label), seed=MAX_SEED + 1, steps=OWN.steps, guidance=guidance)
            mine = held[0][first.store.labels == label].permute(0, 2, 3, 1).numpy()
            # Another batch rounds differently in the last bits at most.
            assert np.abs(drained(work).astype(int) - mine).max() <= 1
    else:
        assert held[0].dtype == torch.float32  # latents that were never decoded
        assert float(held[0].abs().max()) > 1  # no picture's range


@every_class_kind
def test_a_new_model_has_the_same_shape_and_seeded_weights(kind: str) -> None:
    task = ddpm_task() if kind == "ddpm" else ready_dit_task()
    a, b, c = (state(task.new_model(rng(s))) for s in (0, 0, 1))
    assert same(a, b)
    assert not same(a, c)
    assert {k: v.shape for k, v in a.items()} == {k: v.shape for k, v in state(task.model).items()}


@every_kind
def test_the_precision_is_measured_without_changing_anything(kind: str) -> None:
    task = REAL[kind]()
    before, held = state(task.model), torch.random.get_rng_state()
    assert task.use_precision("bf16", 8) == task.precision == "bf16"
    assert task.use_precision("auto", 8) == task.precision
    assert same(before, state(task.model))
    assert torch.equal(held, torch.random.get_rng_state())


def test_half_precision_runs_and_is_close() -> None:
    full, half = ddpm_task(), ddpm_task()
    half.use_precision("bf16", 8)
    batch = next(full.batches("remain", 16, rng()))
    a, b = full.losses(batch, rng(1)), half.losses(batch, rng(1))
    assert b.dtype == torch.float32
    assert torch.allclose(a, b, rtol=0.02)
    assert not torch.equal(a, b)


@pytest.mark.parametrize(("kind", "out"), [("ddpm", 0), ("dit", 4), ("dit", 8), ("text-to-image", 0)])
def test_recalled_answers_by_hand(kind: str, out: int) -> None:
    hand = by_hand(kind, out=out) if out else by_hand(kind)
    before, seed = copy.deepcopy(hand.net), 3
    batch = hand.remain(6)
    n = len(batch.y)
    start = hand.task.recall_losses(batch, before, rng(seed)).detach()
    if out != 8:  # a learned variance has a term of its own, which stays
        assert start.tolist() == [0.0] * n
    t, _, labels = hand.draws(batch.y, seed)
    was = hand.said(labels)
    with torch.no_grad():
        hand.net.e.mul_(1.5).add_(0.25 if kind in CLASSES else 0.0)
    moved = hand.error(hand.said(labels) - was, torch.zeros(n, *hand.task.shape))
    plain = hand.task.recall_losses(batch, before, rng(seed)).detach()
    if out != 8:
        torch.testing.assert_close(plain - start, moved, rtol=1e-4, atol=1e-5)
    told = hand.task.denoiser.condition(labels)
    assert torch.equal(before.asked[-1][2], told)  # dropped labels are asked of both
    assert torch.equal(hand.net.asked[-1][0], before.asked[-1][0])
    # Noise over signal, square root, at most 30, over the mean of all timesteps; of the noise's error and not of the variance's.
    weights = [min(30.0, math.sqrt((1 - float(a)) / float(a))) for a in hand.signal]
    factor = torch.tensor([weights[int(at)] for at in t]) / (sum(weights) / len(weights))
    counted = hand.task.recall_losses(batch, before, rng(seed), "noise").detach()
    torch.testing.assert_close(counted - plain, moved * (factor - 1), rtol=1e-3, atol=1e-4)


@every_class_kind
def test_share_of_the_way_to_another_label_by_hand(kind: str) -> None:
    hand = by_hand(kind)
    before, batch = copy.deepcopy(hand.net), hand.forget(4)
    assert hand.task.relative_losses(batch, before, rng()).detach() == pytest.approx(1.0)
    (label,) = set(batch.y.tolist())
    other = int(next_kept((label,), 10, 1)[label])
    with torch.no_grad():
        hand.net.e[label] = (hand.net.e[label] + hand.net.e[other]) / 2
    assert hand.task.relative_losses(batch, before, rng()).detach() == pytest.approx(0.25)


@every_class_kind
def test_the_way_is_asked_for_on_pictures_of_the_other_class(kind: str) -> None:
    hand = by_hand(kind)
    store, batch = hand.task.store, hand.forget(4)
    for label in (3, 7):
        found = store.replaced(batch, torch.full_like(batch.y, label), rng())
        mine = store.batch(store.with_label(label)).x
        assert all((picture == mine).flatten(1).all(1).any() for picture in found)
    assert torch.equal(store.replaced(batch, torch.full_like(batch.y, NULL), rng()), batch.x)  # none is held


def answer(hand: Hand) -> list[float]:
    """Constant answers, so that the distance of two classes is the square of their difference; class 3 is to be forgotten."""
    answers = [0.0, 9.0, 5.0, 2.0, 2.5, 20.0, 1.0, 3.5, 30.0, 7.0]
    with torch.no_grad():
        hand.net.e[: len(answers)] = torch.tensor(answers)
    return answers


@every_class_kind
def test_the_other_class_is_the_farthest(kind: str) -> None:
    hand = by_hand(kind)
    task, answers, forgotten, farthest = hand.task, answer(hand), 3, 8  # 28 away
    before, batch = copy.deepcopy(hand.net), hand.forget(4)
    drawn = rng(3)
    untouched = drawn.get_state()
    assert task.other_labels(before, "next")[forgotten] == (forgotten + 1) % 10
    assert task.other_labels(before, "farthest")[forgotten] == farthest
    assert torch.equal(drawn.get_state(), untouched)  # the run's own draws are not asked
    with torch.no_grad():
        hand.net.e[forgotten] = answers[farthest]
    assert task.relative_losses(batch, before, rng(), "farthest").detach() == pytest.approx(0.0)
    assert task.other_labels(hand.net, "farthest")[forgotten] == farthest  # chosen once, by the model as it was


def test_a_concept_has_no_farthest_prompt() -> None:
    task = by_hand("text-to-image").task
    assert torch.equal(task.other_labels(task.model, "farthest"), task.instead)
