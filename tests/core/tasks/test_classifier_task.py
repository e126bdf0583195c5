"""The classifier's task: batches, losses, wrong labels, and questions that change nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from sfr_core.cancel import CancelToken, Stopped
from sfr_core.data.datasets import Dataset, Pictures
from sfr_core.data.splits import parse_forget, split_rows
from sfr_core.errors import Diverged
from sfr_core.tasks import classifier
from sfr_core.tasks.classifier import LIVE_ROWS, PREVIEW_PICTURES, ClassifierTask, _spread
from tests.core.tiny import TinyNet, same, state, tiny_dataset, tiny_task


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("size", [1, 7, 8, 100])
@pytest.mark.parametrize("part", ["forget", "remain"])
def test_one_pass_is_every_row_once(part: Any, size: int) -> None:
    task = tiny_task()
    rows = getattr(task.split, part)
    batches = list(task.batches(part, size, rng()))
    assert task.count(part) == len(rows)
    assert sorted(int(r) for b in batches for r in b.rows) == rows.tolist()
    assert [len(b.x) for b in batches[:-1]] == [min(size, len(rows))] * (len(batches) - 1)
    assert len(batches) == classifier.training_batches(len(rows), size)
    for b in batches:
        assert b.y.tolist() == tiny_dataset().train.labels[b.rows.numpy()].tolist()


def test_a_last_batch_of_one_joins_the_batch_before_it() -> None:
    task = tiny_task()  # 15 rows to forget, 45 to keep
    assert [len(b.x) for b in task.batches("forget", 7, rng())] == [7, 8]
    assert [len(b.x) for b in task.batches("forget", 14, rng())] == [15]
    assert [len(b.x) for b in task.batches("remain", 22, rng())] == [22, 23]
    assert [len(b.x) for b in task.batches("forget", 1, rng())] == [1] * 15
    assert [len(b.x) for b in task.fisher_batches("forget", 7, rng())] == [7, 7, 1]
    together = torch.cat([b.rows for b in task.batches("forget", 7, rng())])
    assert together.tolist() == torch.cat([b.rows for b in task.fisher_batches("forget", 7, rng())]).tolist()


def test_answers_that_are_no_numbers_have_their_sentence() -> None:
    task = tiny_task()
    with torch.no_grad():
        task.model.fc.weight.fill_(float("inf"))
    for look in (task.evaluate_live, task.predictions, lambda: task.predict("test")):
        with pytest.raises(Diverged, match=r"answers are no longer numbers\. Lower the learning rate"):
            look()


def test_large_pictures_are_looked_at_fewer_at_a_time() -> None:
    assert [classifier.eval_batch(*size) for size in ((28, 28), (64, 64), (64, 128), (224, 224), (2000, 1024))] == [
        500, 500, 250, 40, 1,
    ]  # fmt: skip


def test_order_and_mirroring_come_from_the_generator() -> None:
    task = tiny_task()
    first, again, other = (next(task.batches("remain", 45, rng(s))) for s in (0, 0, 1))
    assert torch.equal(first.x, again.x)
    assert first.rows.tolist() == again.rows.tolist() != other.rows.tolist()


def test_pictures_are_scaled_and_normalised() -> None:
    dataset = replace(tiny_dataset(), mirror=False, mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 2.0))
    batch = next(tiny_task(dataset=dataset).batches("forget", 15, rng()))
    pixels = dataset.train.images[batch.rows.numpy()].astype(np.float64) / 255
    want = (pixels - [0.5, 0.25, 0.0]) / [0.5, 0.25, 2.0]
    assert np.allclose(batch.x.numpy(), want.transpose(0, 3, 1, 2), atol=1e-6)


def test_union_and_its_forget_rows() -> None:
    task = tiny_task()
    batches = list(task.union_batches(16, rng()))
    assert sorted(int(r) for b in batches for r in b.rows) == list(range(60))
    marked = sorted(int(r) for b in batches for r in b.rows[task.is_forget(b)])
    assert marked == task.split.forget.tolist()


def test_losses_are_cross_entropy_of_each_sample() -> None:
    task = tiny_task()
    batch = next(task.batches("forget", 8, rng()))
    task.model.eval()
    probabilities = task.logits(batch).softmax(1)
    want = -probabilities[torch.arange(8), batch.y].log()
    assert torch.allclose(task.losses(batch, rng()), want, atol=1e-6)


def test_wrong_labels_are_wrong_fixed_and_only_for_the_forget_set() -> None:
    task = tiny_task()
    task.model.eval()
    batch = next(task.union_batches(60, rng()))
    log = task.logits(batch).log_softmax(1)
    redirected, plain = task.redirect_losses(batch, rng()), task.losses(batch, rng())
    forget = task.is_forget(batch)
    assert torch.equal(redirected[~forget], plain[~forget])
    # The label that explains each redirected loss is one of the nine wrong ones.
    explained = (redirected[:, None] + log).abs().argmin(1)
    assert not (explained[forget] == batch.y[forget]).any()
    assert torch.equal(redirected, task.redirect_losses(batch, rng(9)))
    assert len(set(explained[forget].tolist())) > 3


def test_a_new_model_is_decided_by_the_generator_alone() -> None:
    task, before = tiny_task(), torch.random.get_rng_state()
    first, again, other = task.new_model(rng(1)), task.new_model(rng(1)), task.new_model(rng(2))
    assert same(state(first), state(again))
    assert not same(state(first), state(other))
    assert torch.equal(before, torch.random.get_rng_state())
    assert not {p.data_ptr() for p in first.parameters()} & {p.data_ptr() for p in task.model.parameters()}


def test_prediction_in_the_order_of_the_rows() -> None:
    task = tiny_task()
    task.model.train()
    found = task.predict("test")
    assert (found.shape, found.dtype) == ((40, 10), np.float32)
    assert task.model.training
    alone = tiny_task()
    alone.model.eval()
    x = torch.from_numpy(tiny_dataset().test.images[7:8]).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        want = alone.model((x - 0.5) / 0.25)
    assert np.allclose(found[7], want[0].numpy(), atol=1e-5)
    other = TinyNet().eval()
    assert not np.allclose(task.predict("test", other), found)


def test_live_accuracy_equals_a_count_by_hand() -> None:
    task, dataset = tiny_task(), tiny_dataset()
    hits = task.predict("train").argmax(1) == dataset.train.labels
    record = task.evaluate_live()
    assert record.forget == pytest.approx(100 * hits[task.split.forget].mean())
    assert record.remain == pytest.approx(100 * hits[task.split.remain].mean())
    assert (record.n_forget, record.n_remain) == (15, 45)


def test_questions_change_nothing() -> None:
    task = tiny_task()
    task.model.train()
    before, generator = state(task.model), torch.random.get_rng_state()
    task.predict("train")
    task.evaluate_live()
    assert task.predictions() == task.predictions()
    assert same(before, state(task.model))
    assert torch.equal(generator, torch.random.get_rng_state())
    assert all(m.training for m in task.model.modules())


def test_preview_says_what_the_model_says() -> None:
    task = tiny_task("class:three")
    logits = torch.from_numpy(task.predict("test")).softmax(1)
    for p in task.predictions():
        assert p.source == "test"
        assert p.label == tiny_dataset().test.labels[p.row]
        assert p.predicted == int(logits[p.row].argmax())
        assert p.confidence == pytest.approx(float(logits[p.row].max()), abs=1e-5)


@pytest.mark.parametrize(
    ("forgotten", "of_them", "others"), [(["three"], 3, 9), (["one", "two"], 4, 8), (["one", "two", "six"], 3, 7)]
)
def test_preview_shows_forgotten_and_other_classes(forgotten: list[str], of_them: int, others: int) -> None:
    labels = [p.label for p in tiny_task("class:" + ",".join(forgotten)).predictions()]
    gone = set(parse_forget("class:" + ",".join(forgotten), tiny_dataset().class_names).classes)
    assert len([x for x in labels if x in gone]) == of_them
    assert len({x for x in labels if x not in gone}) == len([x for x in labels if x not in gone]) == others


@pytest.mark.parametrize("forgotten", [1, 2, 5, 20, 39])
def test_preview_never_shows_more_than_its_number(forgotten: int) -> None:
    names = tuple(f"c{i}" for i in range(40))
    pictures = Pictures(np.zeros((120, 8, 8, 3), np.uint8), np.arange(120) % 40)
    dataset = Dataset("many", names, pictures, pictures, (0.5,) * 3, (0.5,) * 3)
    split = split_rows(parse_forget("class:" + ",".join(names[:forgotten]), names), pictures.labels)
    task = ClassifierTask(TinyNet(), TinyNet, dataset, split, device=torch.device("cpu"))
    task.evaluate_live()
    rows = task._previewed
    assert 2 <= len(rows) <= PREVIEW_PICTURES
    assert {dataset.test.labels[row] < forgotten for _, row in rows} == {True, False}


@pytest.mark.parametrize("text", ["samples:3,17", "random:0.5@1"])
def test_preview_of_chosen_samples_shows_them(text: str) -> None:
    task = tiny_task(text)
    shown = task.predictions()
    assert all(p.source == "train" for p in shown)
    assert {p.row for p in shown} <= set(task.split.forget.tolist())
    assert len(shown) == min(PREVIEW_PICTURES, task.count("forget"))


@pytest.mark.parametrize("n", [1, 499, 500, 501, 9000])
def test_live_rows_are_spread_from_end_to_end(n: int) -> None:
    rows = np.arange(n) * 2
    found = _spread(rows, LIVE_ROWS)
    assert len(found) == len(set(found.tolist())) == min(n, LIVE_ROWS)
    assert (found[0], found[-1]) == (rows[0], rows[-1])


def test_a_stop_takes_effect_before_the_next_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "EVAL_BATCH", 10)
    task, token, seen = tiny_task(), CancelToken(), []

    def note(*_: object) -> None:
        seen.append(1)
        if len(seen) == 2:
            token.cancel()

    with task.model.register_forward_hook(note), pytest.raises(Stopped):
        task.predict("train", cancel=token)  # 6 batches
    assert len(seen) == 2
    assert task.preview(token) is None
