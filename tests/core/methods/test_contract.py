"""What every method must keep, whatever it computes. A new row in METHODS is tested here without a new line."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
import torch
from torch import nn

import sfr_core.tasks.base as protocols
from sfr_core.cancel import CancelToken
from sfr_core.errors import ConfigError, Diverged, UnknownName
from sfr_core.events import Cancelled, Finished, MaskReady, PhaseStarted, Step, from_json, to_json
from sfr_core.methods import METHODS
from sfr_core.tasks.classifier import ClassifierTask
from tests.core.grammar import check_grammar
from tests.core.tiny import SMALL, play, same, state, tiny_dataset, tiny_task

every_method = pytest.mark.parametrize("method", list(METHODS))


class HeadOnly(ClassifierTask):
    """Trains everything but the first block."""

    def parameters(self) -> dict[str, nn.Parameter]:
        return {name: p for name, p in super().parameters().items() if not name.startswith(("conv1", "bn1"))}


def start(method: str, task: Any, cancel: CancelToken) -> Any:
    spec = METHODS[method]
    config = spec.config_cls.from_dict(SMALL[method])
    return spec.run(task, config, rng=torch.Generator().manual_seed(0), cancel=cancel)


def test_table_holds_the_classifier_methods_of_the_contract() -> None:
    names = ["sfr-on", "retrain", "finetune", "gradient-ascent", "random-label", "salun", "bad-teacher", "scrub"]
    assert list(METHODS)[: len(names)] == names


@every_method
def test_row_of_the_table_is_complete(method: str) -> None:
    spec = METHODS[method]
    assert spec.id == method
    assert spec.title
    assert spec.paper
    assert spec.summary.endswith(".")
    assert set(spec.parts) == {"mask", "forgetting", "remaining", "manifold"}
    assert all(hasattr(protocols, name) for name in spec.requires)
    assert callable(spec.run)
    assert method in SMALL, "tests/core/tiny.py needs small settings for it"


def test_table_and_presets_import_no_torch() -> None:
    code = "import sys, sfr_core.methods, sfr_core.presets; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@every_method
def test_task_of_the_tests_offers_what_the_method_requires(method: str) -> None:
    task = tiny_task()
    assert all(isinstance(task, getattr(protocols, name)) for name in METHODS[method].requires)


@every_method
def test_events_obey_the_grammar_and_end_in_finished(method: str) -> None:
    events = play(method, tiny_task())
    check_grammar(events)
    assert isinstance(events[-1], Finished)
    assert events[-1].result is None


@every_method
def test_mask_is_said_once_or_never(method: str) -> None:
    found = [e for e in play(method, tiny_task()) if isinstance(e, MaskReady)]
    assert len(found) == (1 if METHODS[method].parts["mask"] else 0)
    if found:
        names = [layer.name for layer in found[0].layers]
        assert names == list(tiny_task().parameters())


@every_method
def test_weights_move(method: str) -> None:
    task = tiny_task()
    before = state(task.model)
    play(method, task)
    assert not same(before, state(task.model))


@every_method
def test_same_seed_gives_the_same_bits(method: str) -> None:
    first, second = tiny_task(), tiny_task()
    a, b = play(method, first, seed=3), play(method, second, seed=3)
    assert same(state(first.model), state(second.model))
    still = [[replace(e, seconds=0.0) if isinstance(e, Step) else e for e in events] for events in (a, b)]
    assert still[0] == still[1]


@every_method
def test_other_seed_gives_other_tensors(method: str) -> None:
    first, second = tiny_task(), tiny_task()
    play(method, first, seed=3)
    play(method, second, seed=4)
    assert not same(state(first.model), state(second.model))


@every_method
def test_global_generator_is_left_alone(method: str) -> None:
    before = torch.random.get_rng_state()
    play(method, tiny_task())
    assert torch.equal(before, torch.random.get_rng_state())


@every_method
def test_stop_before_the_first_step_changes_nothing(method: str) -> None:
    task, token = tiny_task(), CancelToken()
    before = state(task.model)
    token.cancel()
    events = play(method, task, cancel=token)
    assert check_grammar(events) == []
    assert events[-1] == Cancelled(steps=0, reason="stopped")
    assert same(before, state(task.model))


@every_method
def test_stop_at_the_first_sign_of_the_unlearning_phase_changes_nothing(method: str) -> None:
    task, token = tiny_task(), CancelToken()
    before = state(task.model)
    events = []
    for event in start(method, task, token):
        events.append(event)
        if isinstance(event, PhaseStarted) and event.phase == "unlearn":
            token.cancel()
    assert check_grammar(events) == []
    assert events[-1] == Cancelled(steps=0)
    assert same(before, state(task.model))


@every_method
def test_a_passed_deadline_is_called_so(method: str) -> None:
    events = play(method, tiny_task(), cancel=CancelToken(deadline_seconds=0.0))
    assert events[-1] == Cancelled(steps=0, reason="deadline")


@every_method
@pytest.mark.parametrize("k", [1, 3])
def test_stop_after_step_k_ends_there(method: str, k: int) -> None:
    task, token, events = tiny_task(), CancelToken(), []
    after_k = None
    for event in start(method, task, token):
        events.append(event)
        if isinstance(event, Step) and event.i == k:
            token.cancel()
            after_k = state(task.model)
    assert len(check_grammar(events)) == k
    assert events[-1] == Cancelled(steps=k)
    assert after_k is not None
    assert same(after_k, state(task.model))


@every_method
def test_stop_after_the_last_step_finds_nothing_to_stop(method: str) -> None:
    token, events = CancelToken(), []
    for event in start(method, tiny_task(), token):
        events.append(event)
        if isinstance(event, Step) and event.i == event.total:
            token.cancel()
    assert isinstance(events[-1], Finished)
    check_grammar(events)


@every_method
def test_events_hold_no_tensor(method: str) -> None:
    def plain(value: Any) -> bool:
        if is_dataclass(value):
            return all(plain(getattr(value, f.name)) for f in fields(value))
        if isinstance(value, tuple):
            return all(plain(v) for v in value)
        return type(value) in (str, int, float, bool, type(None))

    for event in play(method, tiny_task()):
        assert plain(event), event


@every_method
def test_events_survive_json(method: str) -> None:
    for event in play(method, tiny_task()):
        assert from_json(json.loads(json.dumps(to_json(event), allow_nan=False))) == event


@every_method
def test_only_the_slice_of_the_task_moves(method: str) -> None:
    task = tiny_task(kind=HeadOnly)
    before = {name: p.detach().clone() for name, p in task.model.named_parameters()}
    play(method, task)
    after = dict(task.model.named_parameters())
    outside = [name for name in before if name not in task.parameters()]
    assert outside == ["conv1.weight", "bn1.weight", "bn1.bias"]
    assert all(torch.equal(before[name], after[name]) for name in outside)
    assert not torch.equal(before["fc.weight"], after["fc.weight"])


@every_method
@pytest.mark.parametrize("stopped", [False, True])
def test_modes_and_gradients_are_as_before(method: str, stopped: bool) -> None:
    task, token = tiny_task(), CancelToken()
    task.model.eval()
    task.model.bn2.train()
    task.model.conv1.weight.requires_grad_(True)
    modes = [m.training for m in task.model.modules()]
    needs = [p.requires_grad for p in task.model.parameters()]
    for event in start(method, task, token):
        if stopped and isinstance(event, Step):
            token.cancel()
        if isinstance(event, Finished | Cancelled):
            # At the last event, not only after it: whoever reads it stops asking.
            assert [m.training for m in task.model.modules()] == modes
    assert [m.training for m in task.model.modules()] == modes
    assert [p.requires_grad for p in task.model.parameters()] == needs
    assert all(p.grad is None for p in task.model.parameters())


@every_method
def test_a_loss_that_is_not_a_number_is_diverged(method: str) -> None:
    broken = replace(tiny_dataset(), mean=(math.nan,) * 3)
    with pytest.raises(Diverged) as caught:
        play(method, tiny_task(dataset=broken))
    assert caught.value.hint


@every_method
def test_modes_are_as_before_when_it_diverges(method: str) -> None:
    task = tiny_task(dataset=replace(tiny_dataset(), mean=(math.nan,) * 3))
    task.model.eval()
    with pytest.raises(Diverged):
        play(method, task)
    assert not any(m.training for m in task.model.modules())


@every_method
def test_unknown_field_is_refused_with_the_nearest(method: str) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'batch_size'"):
        METHODS[method].config_cls.from_dict({"batchsize": 4})


@every_method
def test_values_out_of_range_are_refused(method: str) -> None:
    config_cls = METHODS[method].config_cls
    for spec in config_cls.settings():
        if spec.kind in ("int", "float"):
            assert spec.low is not None
            assert spec.high is not None
            for value in (spec.low - 1, spec.high + 1):
                with pytest.raises(ConfigError, match=spec.name):
                    config_cls.from_dict({spec.name: int(value) if spec.kind == "int" else value})
