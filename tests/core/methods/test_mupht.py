"""MUpHT: which directions are taken, and what a layer then sees, by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sfr_core.cancel import CancelToken
from sfr_core.catalog.mupht import MuphtConfig
from sfr_core.errors import InputError
from sfr_core.methods.mupht import chosen, inputs, layers_of, moments, without
from sfr_core.presets import resolve
from sfr_core.tasks.base import Part
from sfr_core.tasks.classifier import ClassifierTask, LabelledBatch
from tests.core.grammar import check_grammar
from tests.core.tiny import LinearTask, play, state, tiny_task


def test_the_plain_direction_by_hand() -> None:
    # Inputs (2, 0) and (2, 0) and (0, 1): C = diag(8, 1) / 3, so u = (1, 0) and the weight's first column goes.
    x = torch.tensor([[2.0, 0.0], [2.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    directions, shares = chosen(x.T @ x / 3, None, 1, 1e-3)
    torch.testing.assert_close(directions.abs(), torch.tensor([[1.0], [0.0]], dtype=torch.float64))
    assert shares.tolist() == [1.0]
    weight = torch.tensor([[3.0, 4.0], [5.0, 6.0]], dtype=torch.float64)
    torch.testing.assert_close(without(weight, directions[:, 0], 1.0), torch.tensor([[0.0, 4.0], [0.0, 6.0]]).double())
    torch.testing.assert_close(without(weight, directions[:, 0], 0.5), torch.tensor([[1.5, 4.0], [2.5, 6.0]]).double())


def test_the_retain_aware_direction_by_hand() -> None:
    # The first input is strong in both sets (8 of 16), the second weak in both but 3 of 2: it has the larger quotient, and all of it
    # goes; then the first one, by half.
    forget, remain = (torch.diag(torch.tensor(values, dtype=torch.float64)) for values in ([8.0, 3.0], [16.0, 2.0]))
    directions, shares = chosen(forget, remain, 2, 1e-12)
    torch.testing.assert_close(directions.abs(), torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64))
    torch.testing.assert_close(shares, torch.tensor([1.0, 0.5], dtype=torch.float64))


def test_quotients_are_the_rayleigh_quotients_and_no_scale_matters() -> None:
    rng = torch.Generator().manual_seed(3)
    x, y = (torch.randn(40, 5, generator=rng, dtype=torch.float64) for _ in range(2))
    forget, remain = x.T @ x / 400, y.T @ y / 40
    directions, shares = chosen(forget, remain, 5, 1e-9)
    for u, share in zip(directions.T, shares.tolist(), strict=True):
        assert share == pytest.approx(min(1.0, float(u @ forget @ u) / float(u @ remain @ u)), rel=1e-6)
        assert float(u.norm()) == pytest.approx(1.0)
    again, same = chosen(100 * forget, 100 * remain, 5, 1e-9)
    torch.testing.assert_close(again.abs(), directions.abs())
    torch.testing.assert_close(same, shares)


def test_patches_make_a_convolution_a_matrix() -> None:
    layer = nn.Conv2d(3, 4, 3, stride=2, padding=1, dilation=1, bias=False)
    x = torch.randn(2, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    answers = inputs(layer, x) @ layer.weight.flatten(1).T
    torch.testing.assert_close(answers.view(2, -1, 4).transpose(1, 2), F.conv2d(x, layer.weight, None, 2, 1).flatten(2))


def test_the_last_layer_no_longer_sees_the_directions() -> None:
    task = tiny_task()
    config = MuphtConfig(directions=3, batch_size=8, batches=None)
    task.model.eval()
    with torch.no_grad():
        seen = moments(task, layers_of(task, config), "forget", config, torch.Generator().manual_seed(0), CancelToken())
    directions, _ = chosen(seen["fc"], None, 3, 1e-3)
    before = state(task.model)
    steps = check_grammar(play("mupht", task, layers="last", directions=3, batches=None))
    after = state(task.model)
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"fc.weight"}
    assert len(steps) == 3
    blind = after["fc.weight"].double() @ directions
    assert float(blind.abs().max()) < 0.05 * float((before["fc.weight"].double() @ directions).abs().max())


def test_the_remain_set_is_read_only_by_the_variant_that_spares_it() -> None:
    asked: list[str] = []

    class Counted(ClassifierTask):
        def batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
            asked.append(part)
            return super().batches(part, size, rng)

    play("mupht", tiny_task(kind=Counted))
    assert set(asked) == {"forget"}
    play("mupht", tiny_task(kind=Counted), retain_aware=True)
    assert set(asked) == {"forget", "remain"}


def test_a_model_without_linear_layers_is_refused() -> None:
    with pytest.raises(InputError, match="no linear layer"):
        play("mupht", LinearTask((1.0, 2.0), forget=[[[1.0, 0.0]]]))


def test_published_values() -> None:
    values = resolve("fashion-mnist-resnet", "mupht", "published")
    wanted = {"directions": 1, "weight": 1.0, "layers": "last", "retain_aware": False, "batches": None}
    assert {name: values[name] for name in wanted} == wanted


def test_a_head_that_only_helps_training_is_left_alone() -> None:
    task = tiny_task("class:three")
    task.model.aux = nn.Linear(4, 10)  # the last linear layer by its place, which no answer comes from
    whole = layers_of(task, MuphtConfig(layers="all"))
    assert whole
    assert "aux" not in whole
    assert next(iter(layers_of(task, MuphtConfig(layers="last")))) in whole
    before = state(task.model)
    check_grammar(list(play("mupht", task, layers="all", directions=1)))
    assert torch.equal(state(task.model)["aux.weight"], before["aux.weight"])
