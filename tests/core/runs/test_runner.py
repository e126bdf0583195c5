"""A run from start to end: what it says and when, that looking changes nothing, stops, failures, and the record."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sfr_core import passes
from sfr_core.cancel import CancelToken
from sfr_core.catalog import BY_KIND
from sfr_core.configs import RunConfig
from sfr_core.errors import Diverged, InputError, OutOfMemory
from sfr_core.events import (
    Cancelled,
    Evaluated,
    Finished,
    MaskReady,
    PhaseProgress,
    PhaseStarted,
    Preview,
    Step,
    from_json,
    to_json,
)
from sfr_core.ops.device import is_out_of_memory, resident_bytes
from sfr_core.presets import resolve
from sfr_core.results import RunResult
from sfr_core.runs.runner import evaluate_kept, run
from sfr_core.runs.session import Session
from sfr_core.tasks.classifier import PREVIEWS
from tests.core.runs.generators import NEVER, go, until
from tests.core.tiny import TinyNet, same, state
from tests.core.tiny_run import tiny_card, tiny_session


@pytest.mark.parametrize("method", list(BY_KIND["classifier"]))
def test_every_method_runs_to_its_record(method: str, tmp_path: Path) -> None:
    session = tiny_session(tmp_path, method)
    events = go(session)
    assert isinstance(events[-1], Finished)
    assert events[-1].result is session.result is not None
    for event in events:
        assert from_json(json.loads(json.dumps(to_json(event), allow_nan=False))) == event


def test_order_of_phases_and_records(tmp_path: Path) -> None:
    events = go(tiny_session(tmp_path), live_every=NEVER)
    phases = [(e.phase, e.total) for e in events if isinstance(e, PhaseStarted)]
    # Class three has 6 of 60 rows: one forget batch of 8, seven remain batches.
    assert phases == [("prepare", 0), ("fisher", 1), ("fisher", 7), ("mask", 0), ("unlearn", 6), ("evaluate", 4)]
    assert [type(e) for e in events[:3]] == [PhaseStarted, Evaluated, Preview]
    assert [(e.when, e.i) for e in events if isinstance(e, Evaluated)] == [
        ("live", 0), ("live", 6), ("retrained", 0), ("before", 0), ("after", 6),
    ]  # fmt: skip
    assert [e.done for e in events if isinstance(e, PhaseProgress) and e.phase == "evaluate"] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("every", "looks"), [(1, [0, 1, 2, 3, 4, 5, 6]), (2, [0, 2, 4, 6]), (4, [0, 4, 6]), (NEVER, [0, 6])]
)
def test_cadence_of_live_looks(tmp_path: Path, every: int, looks: list[int]) -> None:
    events = go(tiny_session(tmp_path), live_every=every, evaluate=False)
    assert [e.i for e in events if isinstance(e, Evaluated)] == looks
    assert [e.i for e in events if isinstance(e, Preview)] == looks
    at = [i for i, e in enumerate(events) if isinstance(e, Step)]
    assert all(isinstance(events[i + 1], Evaluated) for i in at if events[i].i in looks)  # type: ignore[union-attr]


def test_by_default_a_run_is_looked_at_about_twenty_times(tmp_path: Path) -> None:
    events = go(tiny_session(tmp_path, steps=45), evaluate=False)
    assert [e.i for e in events if isinstance(e, Preview)] == [0, *range(3, 46, 3)]
    assert len([e for e in events if isinstance(e, Preview)]) <= PREVIEWS + 2


def test_looking_changes_neither_weights_nor_generators(tmp_path: Path) -> None:
    often, never = tiny_session(tmp_path), tiny_session(tmp_path)
    a, b = go(often, live_every=1), go(never, live_every=NEVER)
    assert same(state(often.task.model), state(never.task.model))
    found = [[(e.forget_loss, e.remain_loss) for e in events if isinstance(e, Step)] for events in (a, b)]
    assert found[0] == found[1]


class Dropping(TinyNet):
    """Draws from torch's global generator in train mode."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.dropout(x, 0.3, self.training))


def test_the_seed_decides_dropout_too(tmp_path: Path) -> None:
    ends = []
    for seed in (0, 0, 1):
        session = tiny_session(tmp_path, make=Dropping, seed=seed)
        torch.rand(seed + len(ends))  # whatever else the process drew
        go(session, evaluate=False)
        ends.append(state(session.task.model))
    assert same(ends[0], ends[1])
    assert not same(ends[0], ends[2])


def test_a_second_run_of_a_session_starts_from_the_start(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    go(session, evaluate=False)
    first = state(session.task.model)
    go(session, evaluate=False)
    assert same(first, state(session.task.model))


def test_fields_of_the_record(tmp_path: Path) -> None:
    session, held = tiny_session(tmp_path), torch.random.get_rng_state()
    events = go(session)
    assert torch.equal(held, torch.random.get_rng_state())
    result = session.result
    assert result is not None
    assert list(result.to_json()) == [
        "before", "after", "retrained", "avg_d", "avg_d_before", "kl_floor", "seconds", "retrain_seconds", "steps",
        "mask_density", "peak_memory_bytes", "device", "config", "versions", "schema", "passes", "retrain_passes", "copies",
    ]  # fmt: skip
    records = {e.when: e.record for e in events if isinstance(e, Evaluated) and e.when != "live"}
    assert (result.before, result.after, result.retrained) == (
        records["before"],
        records["after"],
        records["retrained"],
    )
    assert result.retrained is not None
    gaps = [abs(getattr(result.after, k) - getattr(result.retrained, k)) for k in ("FA", "RA", "TA", "MIA")]
    assert result.avg_d == pytest.approx(sum(gaps) / 4)
    assert result.retrained.KL == 0.0
    assert result.kl_floor is not None
    assert result.kl_floor > 0
    # Another machine trained what a card ships, and nobody says how often an own model saw its pictures.
    assert (result.retrain_seconds, result.retrain_passes) == (None, None)
    assert result.passes == passes.planned(session.plan) > 0
    assert result.peak_memory_bytes is not None
    assert result.steps == 6
    (mask,) = [e for e in events if isinstance(e, MaskReady)]
    assert result.mask_density == mask.density
    assert result.device.endswith(", fp32")
    assert RunConfig.from_json(result.config) == session.used
    assert session.used == replace(session.config, device="cpu", precision="fp32", threads=torch.get_num_threads())
    assert RunResult.from_json(json.loads(json.dumps(result.to_json()))) == result
    assert (result.before.n_forget, result.before.n_remain, result.before.n_test) == (6, 54, 40)
    assert sorted(session.reports) == ["after", "before", "retrained", "second"]
    answers = session.answers("after")
    assert answers is not None
    assert np.array_equal(session.reports["after"].train_predicted, answers.train.argmax(1))


def test_without_a_retrained_model_its_fields_are_empty(tmp_path: Path) -> None:
    session = tiny_session(tmp_path, card=tiny_card(tmp_path, retrained=False))
    go(session)
    result = session.result
    assert result is not None
    assert (result.retrained, result.avg_d, result.avg_d_before, result.kl_floor, result.retrain_seconds) == (None,) * 5
    assert (result.before.KL, result.after.KL) == (None, None)


def test_without_evaluation_there_is_no_record(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    events = go(session, evaluate=False)
    assert events[-1] == Finished(steps=6)
    assert session.result is None
    assert session.after is not None
    assert not any(isinstance(e, PhaseStarted) and e.phase == "evaluate" for e in events)


def test_seconds_are_the_methods_own(tmp_path: Path) -> None:
    session, slept, started, events = tiny_session(tmp_path), 0.0, time.perf_counter(), []
    for event in run(session, cancel=CancelToken(), live_every=1):
        events.append(event)
        at = time.perf_counter()
        time.sleep(0.02)  # a slow page
        slept += time.perf_counter() - at
    wall = time.perf_counter() - started
    assert session.result is not None
    assert slept > 0.5
    assert sum(e.seconds for e in events if isinstance(e, Step)) < session.result.seconds < wall - slept


@pytest.mark.parametrize("phase", ["prepare", "fisher", "mask"])
def test_stop_before_the_first_step_changes_nothing(tmp_path: Path, phase: str) -> None:
    session = tiny_session(tmp_path)
    events = until(session, lambda e: isinstance(e, PhaseStarted) and e.phase == phase)
    assert events[-1] == Cancelled(steps=0, reason="stopped")
    assert same(session.before, state(session.task.model))
    assert session.result is None
    assert session.changed_tensors() == {}


def test_stop_between_two_fisher_batches(tmp_path: Path) -> None:
    events = until(tiny_session(tmp_path), lambda e: isinstance(e, PhaseProgress) and e.total == 7 and e.done == 3)
    assert events[-1] == Cancelled(steps=0)
    assert events[-2] == PhaseProgress(phase="fisher", done=3, total=7)


def test_stop_within_one_step_keeps_the_partial_weights_until_rolled_back(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    events = until(session, lambda e: isinstance(e, Step) and e.i == 2)
    assert events[-1] == Cancelled(steps=2)
    assert session.after is not None
    assert same(session.after, state(session.task.model))
    assert session.changed_tensors()
    assert session.result is None
    session.rollback()
    assert same(session.before, state(session.task.model))


def test_stop_during_the_evaluation(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    events = until(session, lambda e: isinstance(e, PhaseProgress) and e.phase == "evaluate" and e.done == 3)
    assert events[-1] == Cancelled(steps=6)
    assert [e.when for e in events if isinstance(e, Evaluated) and e.when != "live"] == ["retrained", "before"]
    assert session.result is None
    assert session.after is not None


def test_what_is_kept_is_measured_as_a_run_that_went_to_its_end(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    with pytest.raises(InputError, match="no weights"):
        list(evaluate_kept(session, cancel=CancelToken()))
    until(session, lambda e: isinstance(e, Step) and e.i == 2)
    kept = state(session.task.model)
    token = CancelToken()
    token.cancel()
    assert list(evaluate_kept(session, cancel=token))[-1] == Cancelled(steps=2)
    assert session.result is None
    events = list(evaluate_kept(session, cancel=CancelToken()))
    assert events[0] == PhaseStarted(phase="evaluate", total=4)
    assert events[-1] == Finished(steps=2, result=session.result)
    assert same(kept, state(session.task.model))
    assert session.result is not None
    assert session.result.steps == 2
    assert {"before", "after"} <= session.reports.keys()
    list(run(session, cancel=CancelToken(), live_every=NEVER))  # the session is free again


def test_ten_runs_do_not_grow(tmp_path: Path) -> None:
    card, sizes = tiny_card(tmp_path), []
    for seed in range(12):
        list(run(tiny_session(tmp_path, card=card, seed=seed), cancel=CancelToken(), live_every=NEVER))
        sizes.append(resident_bytes())
    assert max(sizes[2:]) - sizes[1] < 20e6


def test_a_deadline_is_named(tmp_path: Path) -> None:
    assert go(tiny_session(tmp_path), CancelToken(deadline_seconds=0.0))[-1] == Cancelled(steps=0, reason="deadline")


WILD: dict[str, Any] = {"lr": 1.0, "alpha": 1e4, "clip_forget": None, "mask": False, "steps": 200, "forget_every": 1,
                        "lr_schedule": "constant", "alpha_schedule": "constant", "optimizer": "sgd", "weight_decay": 0.5,
                        "momentum": 0.999}  # fmt: skip


def test_a_run_that_diverges_is_rolled_back(tmp_path: Path) -> None:
    session = tiny_session(tmp_path, **WILD)
    with pytest.raises(Diverged) as caught:
        list(run(session, cancel=CancelToken(), live_every=NEVER))
    assert caught.value.hint
    assert same(session.before, state(session.task.model))
    assert session.after is None
    session.begin()  # and free again


def test_any_other_failure_is_rolled_back_too(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    asked, ask = [0], session.task.losses

    def losses(batch: Any, rng: torch.Generator) -> Tensor:
        asked[0] += 1
        if asked[0] == 14:  # 8 Fisher batches, then some steps
            raise MemoryError
        return ask(batch, rng)

    session.task.losses = losses  # type: ignore[method-assign]
    with pytest.raises(OutOfMemory, match="too little free memory"):
        list(run(session, cancel=CancelToken()))
    assert same(session.before, state(session.task.model))


def test_a_model_that_does_not_fit_is_one_sentence_too(tmp_path: Path) -> None:
    opened = tiny_session(tmp_path)

    def on_a_cpu() -> Any:
        return torch.empty(2**50)

    def on_a_gpu() -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    for load in (on_a_cpu, on_a_gpu):
        with pytest.raises(
            OutOfMemory, match=r"too little free memory to open this model\. Choose a smaller batch size"
        ):
            Session(opened.plan, opened.dataset, load, lambda: opened.task.model)


def test_memory_errors_of_every_kind_are_known() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


def test_a_caller_who_leaves_rolls_back_and_frees_the_session(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    events = run(session, cancel=CancelToken())
    for event in events:
        if isinstance(event, Step) and event.i == 3:
            break
    assert not same(session.before, state(session.task.model))
    events.close()  # type: ignore[attr-defined]
    assert same(session.before, state(session.task.model))
    session.begin()


def test_a_caller_who_leaves_at_the_last_event_keeps_the_outcome(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    events = run(session, cancel=CancelToken())
    for event in events:
        if isinstance(event, Finished):
            break
    events.close()  # type: ignore[attr-defined]
    assert session.result is not None
    assert session.after is not None
    assert same(session.after, state(session.task.model))


def test_the_model_ends_in_eval_mode_without_gradients(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    go(session)
    assert not any(m.training for m in session.task.model.modules())
    assert all(p.grad is None for p in session.task.model.parameters())


def test_two_steps_on_the_shipped_model() -> None:
    forget = "class:Sneaker"
    settings = resolve("fashion-mnist-resnet", "sfr-on", forget=forget) | {
        "steps": 2,
        "fisher_batches": 1,
        "batch_size": 32,
    }
    config = RunConfig(
        model="fashion-mnist-resnet", forget=forget, method="sfr-on", settings=settings, device="cpu", precision="fp32"
    )
    session = Session.open(config)
    events = go(session, live_every=2, evaluate=False)
    first, last = (e.record for e in events if isinstance(e, Evaluated))
    assert first.n_forget == last.n_forget == 250  # type: ignore[union-attr]
    assert first.forget > 98  # type: ignore[union-attr]
    assert last.forget < first.forget  # type: ignore[union-attr]
    assert session.changed_tensors()
