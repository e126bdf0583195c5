"""Boundary shrink: which class is the nearest, and what is learned of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sfr_core.data.datasets import Dataset, Pictures
from sfr_core.data.splits import parse_forget, split_rows
from sfr_core.methods.boundary_shrink import nearest_wrong
from sfr_core.presets import resolve
from sfr_core.tasks.classifier import ClassifierTask, LabelledBatch
from tests.core.grammar import check_grammar
from tests.core.tiny import play, tiny_task

NAMES = ("bright", "dark", "left", "never")


class Readable(nn.Module):
    """Logits of two pixels a, b in units of their range: bright a + b, dark -(a + b), left 4 (a - b), never -9."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        a, b = x[:, 0, 0, 0], x[:, 0, 0, 1]
        logits = torch.stack([a + b, -(a + b), 4 * (a - b), torch.full_like(a, -9.0)], dim=1)
        return self.scale * logits


def two_pixels(values: list[list[int]], labels: list[int]) -> ClassifierTask:
    """A task whose pictures are rows of two pixels, normalised to (pixel / 255 - 1/2) / 1."""
    images = np.array(values, dtype=np.uint8).reshape(len(values), 1, 2, 1)
    pictures = Pictures(images, np.array(labels, dtype=np.int64))
    dataset = Dataset("two-pixels", NAMES, pictures, pictures, (0.5,), (1.0,), mirror=False)
    split = split_rows(parse_forget("samples:0", NAMES), dataset.train.labels)
    return ClassifierTask(Readable(), Readable, dataset, split, device=torch.device("cpu"))


def test_nearest_wrong_class_by_hand() -> None:
    task = two_pixels([[153, 153], [153, 153]], [0, 1])
    batch = next(task.batches("forget", 1, torch.Generator()))
    # Row 0 is a = b = 0.1, "bright" (0.2 against dark's -0.2 and left's 0). Up its loss both pixels fall or a rises:
    # d loss / d a = p_dark * -2 + p_left * 3 and d loss / d b = -2 p_dark - 5 p_left (to terms of "never").
    logits = torch.tensor([0.2, -0.2, 0.0])
    p = logits.softmax(0)
    slope = (-2 * p[1] + 3 * p[2], -2 * p[1] - 5 * p[2])
    assert slope[0] > 0 > slope[1]
    # So a goes to 0.1 + 0.2 and b to 0.1 - 0.2: left is 4 * 0.4, dark -0.2.
    assert nearest_wrong(task, batch, task.model, 0.2).tolist() == [2]


def test_the_true_class_is_never_chosen_even_where_no_boundary_is_crossed() -> None:
    task = tiny_task()
    batch = next(task.batches("forget", 15, torch.Generator().manual_seed(0)))
    task.model.eval()
    chosen = nearest_wrong(task, batch, task.model, 0.001)
    assert not (chosen == batch.y).any()


def test_a_push_stays_a_picture() -> None:
    task = two_pixels([[0, 250], [128, 3]], [0, 1])
    batch = LabelledBatch(torch.tensor([[[[-0.5, 250 / 255 - 0.5]]]]), torch.tensor([0]), torch.tensor([0]))
    moved = task.pushed(batch, torch.tensor([[[[-3.0, 0.2]]]]), 0.1)
    # Black stays black; 250 + 25.5 is cut at white.
    torch.testing.assert_close(moved.x, torch.tensor([[[[-0.5, 0.5]]]]))
    back = task.pushed(batch, torch.tensor([[[[1.0, -1.0]]]]), 0.1)
    # 25.5 and 224.5 of 255 are rounded to even levels.
    torch.testing.assert_close(back.x, torch.tensor([[[[26 / 255 - 0.5, 224 / 255 - 0.5]]]]), atol=1 / 254, rtol=0)
    assert torch.equal(((back.x + 0.5) * 255).round(), torch.round((back.x + 0.5) * 255))


def test_forget_rows_alone_are_read_and_move_to_their_neighbours() -> None:
    steps = check_grammar(play("boundary-shrink", tiny_task(), epochs=10, lr=0.05, keep_statistics=True))
    assert len(steps) == 20
    assert all(step.remain_loss is None for step in steps)
    losses = [step.forget_loss or math.nan for step in steps]
    assert losses[-1] < losses[0]


def test_published_values() -> None:
    values = resolve("fashion-mnist-resnet", "boundary-shrink", "published")
    wanted = {"lr": 5e-5, "epochs": 20, "batch_size": 128, "momentum": 0.9, "weight_decay": 0.0, "reach": 0.1}
    assert {name: values[name] for name in wanted} == pytest.approx(wanted)
