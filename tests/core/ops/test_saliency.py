"""Fisher, mask and counts against numbers written out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from sfr_core.errors import ConfigError, Diverged
from sfr_core.ops.saliency import (
    THRESHOLDS,
    add_squares,
    batch_gradients,
    describe_mask,
    describe_saliency,
    saliency_mask,
    top_fraction_mask,
    zeros_like_parameters,
)


def pair(*values: float) -> dict[str, torch.Tensor]:
    return {"w": torch.tensor(values)}


def two_weights() -> dict[str, nn.Parameter]:
    return {"w": nn.Parameter(torch.tensor([1.0, 2.0])), "idle": nn.Parameter(torch.ones(3))}


def test_thresholds_are_ten_a_decade_from_a_thousandth_to_a_thousand() -> None:
    assert len(THRESHOLDS) == 61
    assert THRESHOLDS[0] == pytest.approx(1e-3)
    assert THRESHOLDS[30] == 1.0
    assert THRESHOLDS[-1] == pytest.approx(1e3)


def test_gradients_by_name_and_zero_where_there_is_none() -> None:
    parameters = two_weights()
    w = parameters["w"]
    found = batch_gradients(parameters, 3 * w[0] + w[1] ** 2)  # gradient (3, 2 * 2)
    assert found["w"].tolist() == [3.0, 4.0]
    assert found["idle"].tolist() == [0.0, 0.0, 0.0]
    assert all(p.grad is None for p in parameters.values())


@pytest.mark.parametrize(("clip", "factor"), [(None, 1.0), (10.0, 1.0), (5.0, 1.0), (2.5, 0.5), (0.5, 0.1)])
def test_clip_cuts_the_norm_of_all_together(clip: float | None, factor: float) -> None:
    parameters = two_weights()
    w = parameters["w"]
    found = batch_gradients(parameters, 3 * w[0] + w[1] ** 2, clip)  # norm 5
    assert found["w"].tolist() == pytest.approx([3.0 * factor, 4.0 * factor], rel=1e-5)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_no_number_is_diverged(bad: float) -> None:
    parameters = two_weights()
    with pytest.raises(Diverged, match="not finite"):
        batch_gradients(parameters, (bad * parameters["w"]).sum())


def test_squares_of_two_batches_add_up() -> None:
    total = zeros_like_parameters({"w": nn.Parameter(torch.ones(2, dtype=torch.bfloat16))})
    assert total["w"].dtype == torch.float32
    add_squares(total, pair(3.0, -1.0))
    add_squares(total, pair(-1.0, 0.5))
    assert total["w"].tolist() == [10.0, 1.25]


def test_mask_keeps_ratios_from_gamma_on() -> None:
    # Ratios 4/2 = 2, 1/1 = 1, 1/4 = 0.25.
    forget, remain = pair(4.0, 1.0, 1.0), pair(2.0, 1.0, 4.0)
    for gamma, kept in [(0.25, [1, 1, 1]), (0.26, [1, 1, 0]), (1.0, [1, 1, 0]), (2.0, [1, 0, 0]), (2.1, [0, 0, 0])]:
        assert saliency_mask(forget, remain, gamma)["w"].int().tolist() == kept


def test_gamma_zero_keeps_everything() -> None:
    assert saliency_mask(pair(0.0, 0.0, 1e-30), pair(0.0, 1e9, 1e-30), 0.0)["w"].all()


@pytest.mark.parametrize("eps", [1e-15, 0.0])
def test_weights_that_matter_to_neither_set_have_the_ratio_one(eps: float) -> None:
    forget, remain = pair(0.0, 0.0, 1.0), pair(0.0, 1.0, 0.0)  # 0/0, 0/1, 1/0
    assert saliency_mask(forget, remain, 1.0, eps)["w"].tolist() == [True, False, True]
    assert saliency_mask(forget, remain, 1.01, eps)["w"].tolist() == [False, False, True]
    event = describe_saliency(saliency_mask(forget, remain, 1.0, eps), forget, remain, 1.0, eps)
    assert event.layers[0].kept == event.layers[0].kept_at[THRESHOLDS.index(1.0)] == 2
    assert event.layers[0].kept_at[-1] == 1


def test_eps_is_added_on_both_sides() -> None:
    # (1 + 1) / (3 + 1) = 0.5
    assert saliency_mask(pair(1.0), pair(3.0), 0.5, 1.0)["w"].all()
    assert not saliency_mask(pair(1.0), pair(3.0), 0.51, 1.0)["w"].any()


@pytest.mark.parametrize(
    ("fraction", "kept", "cut"),
    [
        (0.0, [], math.inf),
        (0.19, [], math.inf),
        (0.2, [5.0], 5.0),
        (0.6, [5.0, 4.0, 3.0], 3.0),
        (1.0, [5, 4, 3, 2, 1], 1.0),
    ],
)
def test_top_fraction_over_all_tensors_together(fraction: float, kept: list[float], cut: float) -> None:
    scores = {"a": torch.tensor([[1.0, 5.0]]), "b": torch.tensor([4.0, 2.0, 3.0])}
    mask, threshold = top_fraction_mask(scores, fraction)
    assert mask["a"].shape == (1, 2)
    assert sorted([float(s) for n in scores for s in scores[n][mask[n]]], reverse=True) == kept
    assert threshold == cut


def test_top_fraction_takes_exactly_its_share_of_equal_scores() -> None:
    mask, _ = top_fraction_mask({"a": torch.ones(3), "b": torch.ones(3)}, 0.5)
    assert (mask["a"].tolist(), mask["b"].tolist()) == ([True] * 3, [False] * 3)


def test_top_fraction_is_what_sorting_everything_gives() -> None:
    rng = torch.Generator().manual_seed(0)
    scores = {
        "a": torch.randn(7, 5, generator=rng).abs(),
        "ties": (4 * torch.rand(9, 4, generator=rng)).floor(),
        "nothing": torch.zeros(6),
        "turned": torch.randn(4, 6, generator=rng).abs().t(),
    }
    flat = torch.cat([s.flatten() for s in scores.values()])
    for keep in (1, 30, 60, 90, len(flat)):
        order = torch.argsort(flat, descending=True, stable=True)[:keep]
        wanted = torch.zeros_like(flat, dtype=torch.bool)
        wanted[order] = True
        mask, threshold = top_fraction_mask(scores, (keep + 0.5) / len(flat) if keep < len(flat) else 1.0)
        assert torch.equal(torch.cat([m.flatten() for m in mask.values()]), wanted)
        assert threshold == float(flat[order[-1]])


@pytest.mark.parametrize("fraction", [-0.1, 1.1, math.nan])
def test_top_fraction_outside_its_range_is_refused(fraction: float) -> None:
    with pytest.raises(ConfigError):
        top_fraction_mask(pair(1.0), fraction)


def test_description_counts_each_tensor_at_each_threshold() -> None:
    scores = {"a": torch.tensor([[0.5, 1.0], [2.0, 8.0]]), "b": torch.tensor([0.1])}
    mask = {name: s >= 1.0 for name, s in scores.items()}
    event = describe_mask(mask, 1.0, scores, (0.1, 1.0, 2.0, 10.0))
    assert (event.density, event.threshold) == (3 / 5, 1.0)
    a, b = event.layers
    assert (a.name, a.shape, a.size, a.kept, a.kept_at) == ("a", (2, 2), 4, 3, (4, 3, 2, 0))
    assert (b.name, b.shape, b.size, b.kept, b.kept_at) == ("b", (1,), 1, 0, (1, 0, 0, 0))
