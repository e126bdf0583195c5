"""What every method must keep, whatever it computes, on each kind of model. A new row of a table is tested without a new line."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import pytest
import torch
from torch import nn

from sfr_core.cancel import CancelToken
from sfr_core.catalog import BY_KIND, of_kind, spec_of
from sfr_core.catalog.base import MethodSpec, Sizes
from sfr_core.errors import ConfigError, Diverged, InputError, UnknownName
from sfr_core.events import Cancelled, Event, Finished, MaskReady, PhaseStarted, Step, from_json, to_json
from sfr_core.kinds import KINDS
from sfr_core.tasks.classifier import ClassifierTask
from tests.core.grammar import check_grammar
from tests.core.tiny import SMALL, few, same, state, tiny_dataset, tiny_task
from tests.core.tiny_dit import SMALL_DIT, ready_dit_task
from tests.core.tiny_generator import SMALL_GENERATOR, tiny_generator_task
from tests.core.tiny_prompts import SMALL_PROMPTS, tiny_prompt_task


class WithoutFirst(ClassifierTask):
    """Trains everything but the first block."""

    def parameters(self) -> dict[str, nn.Parameter]:
        return {name: p for name, p in super().parameters().items() if not name.startswith(("conv1", "bn1"))}


SMALL_OF = {"classifier": SMALL, "ddpm": SMALL_GENERATOR, "dit": SMALL_DIT, "text-to-image": SMALL_PROMPTS}
ABILITIES = {
    "Redirectable": ["redirect_losses"],
    "Restartable": ["new_model"],
    "Distillable": ["union_batches", "is_forget", "logits", "shifted", "pushed"],
    "Denoising": [
        "recall_losses",
        "relative_losses",
        "label_gap",
        "surrogate_losses",
        "stratified_losses",
        "class_tables",
    ],
    "Promptable": ["anchor_batches", "prompts", "direct", "targets", "kept"],
}
"""What the methods that require an ability ask of a task."""
DRAWS_NOTHING = {"uce", "rece", "speed"}
"""Methods in closed form: the seed decides nothing, and they have no batches."""


@dataclass(frozen=True)
class Case:
    """One method on one kind of model."""

    kind: str
    method: str

    @property
    def spec(self) -> MethodSpec:
        return spec_of(self.method, self.kind)

    @property
    def small(self) -> dict[str, Any]:
        return {**few(self.spec.config_cls), **SMALL_OF[self.kind].get(self.method, {})}

    def task(self, *, sliced: bool = False, **options: Any) -> Any:
        if self.kind == "classifier":
            return tiny_task(kind=WithoutFirst if sliced else None, **options)
        if self.kind == "dit":  # a random embedding takes one step a layer
            options["layers"] = 4 if self.method == "random-embedding" else 1
        if self.method == "speed":  # and so does this, but on values alone
            options["blocks"] = 4
        makers = {"text-to-image": tiny_prompt_task, "dit": ready_dit_task, "ddpm": tiny_generator_task}
        task = makers[self.kind](**options)
        if sliced:
            task.weights = {n: p for n, p in task.parameters().items() if not n.startswith(("conv1", "pos_embed"))}
        return task

    def start(self, task: Any, cancel: CancelToken | None = None, seed: int = 0) -> Iterator[Event]:
        config = self.spec.config_cls.from_dict(self.small)
        rng = torch.Generator().manual_seed(seed)
        return self.spec.run(task, config, rng=rng, cancel=cancel or CancelToken())

    def play(self, task: Any, cancel: CancelToken | None = None, seed: int = 0) -> list[Event]:
        return list(self.start(task, cancel, seed))


CASES = [Case(kind, method) for kind, table in BY_KIND.items() for method in table]
every_method = pytest.mark.parametrize("case", CASES, ids=[f"{c.kind}-{c.method}" for c in CASES])


NAMES = {
    "classifier": ["sfr-on", "retrain", "finetune", "gradient-ascent", "random-label", "salun", "bad-teacher", "scrub"],
    "ddpm": ["sfr-on", "sfr-on-redirected", "retrain", "finetune", "gradient-ascent", "joint", "salun", "selective-amnesia"],
    "text-to-image": [
        "sfr-on", "sfr-on-redirected", "finetune", "gradient-ascent", "salun", "esd-x", "esd-u", "uce", "concept-ablation",
        "rece", "speed",
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", NAMES)
def test_table_holds_the_methods_of_the_contract(kind: str) -> None:
    assert list(of_kind(kind))[: len(NAMES[kind])] == NAMES[kind]
    assert kind == "classifier" or len(of_kind(kind)) == len(NAMES[kind])


def test_diffusion_transformers_have_the_methods_of_other_generators_and_a_proxy_of_retraining() -> None:
    assert list(of_kind("dit")) == [*of_kind("ddpm"), "random-embedding"]
    for method, row in of_kind("ddpm").items():
        assert replace(spec_of(method, "dit"), presets=row.presets, as_written=row.as_written) == row


def test_one_id_may_stand_for_another_function() -> None:
    assert spec_of("sfr-on", "ddpm").config_cls is spec_of("sfr-on", "classifier").config_cls
    assert spec_of("sfr-on", "ddpm").function == spec_of("sfr-on", "classifier").function
    assert spec_of("sfr-on", "ddpm").function == spec_of("sfr-on-redirected", "ddpm").function  # one loop for both
    assert spec_of("salun", "ddpm").config_cls is not spec_of("salun", "classifier").config_cls
    assert spec_of("salun", "ddpm").function.endswith("salun_joint")
    assert all(
        row.title == BY_KIND["classifier"][name].title
        for name, row in of_kind("ddpm").items()
        if name in BY_KIND["classifier"]
    )


def test_unknown_methods_and_kinds_are_told_from_those_of_another_kind() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'salun'"):
        spec_of("salum", "ddpm")
    with pytest.raises(UnknownName, match="kind of model 'dpm'"):
        spec_of("salun", "dpm")
    for method, kind in (("scrub", "ddpm"), ("selective-amnesia", "classifier"), ("joint", "classifier")):
        with pytest.raises(InputError, match="cannot work on this kind of model") as caught:
            spec_of(method, kind)
        assert not isinstance(caught.value, UnknownName)
        assert "sfr-on" in caught.value.hint


@every_method
def test_row_of_the_table_is_complete(case: Case) -> None:
    spec = case.spec
    assert spec.id == case.method
    assert spec.title
    assert spec.paper
    assert spec.summary.endswith(".")
    assert all(name in ABILITIES for name in spec.requires)
    assert callable(spec.run)
    assert case.small or not spec.cost(spec.config_cls(), Sizes(forget=9, remain=9, classes=3)).trains


def test_table_and_presets_import_no_torch() -> None:
    code = "import sys, sfr_core.catalog, sfr_core.presets; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_of_abilities_says_what_the_task_can(kind: str) -> None:
    task = Case(kind, "finetune").task()
    can = {name for name, found in ABILITIES.items() if all(hasattr(task, part) for part in found)}
    assert KINDS[kind].abilities <= can  # a method may be kept from a kind whose task inherits what it needs
    for name in ("Redirectable", "Denoising"):  # SFR-on's settings ask for these
        assert (name in KINDS[kind].abilities) == (name in can)
    assert all(set(spec.requires) <= can for spec in of_kind(kind).values())


def plain(value: Any) -> bool:
    """Holds no tensor."""
    if is_dataclass(value):
        return all(plain(getattr(value, f.name)) for f in fields(value))
    if isinstance(value, tuple):
        return all(plain(v) for v in value)
    return type(value) in (str, int, float, bool, type(None))


@every_method
def test_weights_move_and_events_are_plain_and_obey_the_grammar(case: Case) -> None:
    task, held = case.task(), torch.random.get_rng_state()
    before = state(task.model)
    events = case.play(task)
    check_grammar(events)
    assert isinstance(events[-1], Finished)
    assert events[-1].result is None
    assert not same(before, state(task.model))
    assert torch.equal(held, torch.random.get_rng_state())  # the global generator is left alone
    for event in events:
        assert plain(event), event
        assert from_json(json.loads(json.dumps(to_json(event), allow_nan=False))) == event
    begun = tuple(dict.fromkeys(e.phase for e in events if isinstance(e, PhaseStarted)))
    assert begun == (
        *case.spec.prepares(case.spec.config_cls.from_dict(case.small)),
        "unlearn",
    )  # what the stepper shows
    masks = [e for e in events if isinstance(e, MaskReady)]
    assert len(masks) == (1 if case.spec.parts.mask else 0)
    assert all([layer.name for layer in mask.layers] == list(task.parameters()) for mask in masks)


@every_method
def test_same_seed_gives_the_same_bits(case: Case) -> None:
    first, second = case.task(), case.task()
    a, b = case.play(first, seed=3), case.play(second, seed=3)
    assert same(state(first.model), state(second.model))
    still = [[replace(e, seconds=0.0) if isinstance(e, Step) else e for e in events] for events in (a, b)]
    assert still[0] == still[1]


@every_method
def test_other_seed_gives_other_tensors(case: Case) -> None:
    first, second = case.task(), case.task()
    case.play(first, seed=3)
    case.play(second, seed=4)
    assert same(state(first.model), state(second.model)) == (case.method in DRAWS_NOTHING)


@every_method
@pytest.mark.parametrize("k", [None, 0, 1, 3])
def test_stop_before_a_run_at_its_first_sign_and_after_a_step_ends_there(case: Case, k: int | None) -> None:
    task, token, events = case.task(), CancelToken(), []
    then = state(task.model)
    if k is None:
        token.cancel()
    for event in case.start(task, token):
        events.append(event)
        if (isinstance(event, PhaseStarted) and event.phase == "unlearn" and k == 0) or (
            isinstance(event, Step) and event.i == k
        ):
            token.cancel()
            then = state(task.model)
    assert len(check_grammar(events)) == (k or 0)
    assert events[-1] == Cancelled(steps=k or 0, reason="stopped")
    assert same(then, state(task.model))


@every_method
def test_stop_after_the_last_step_finds_nothing_to_stop(case: Case) -> None:
    token, events = CancelToken(), []
    for event in case.start(case.task(), token):
        events.append(event)
        if isinstance(event, Step) and event.i == event.total:
            token.cancel()
    assert isinstance(events[-1], Finished)
    check_grammar(events)


@every_method
def test_a_passed_deadline_is_called_so(case: Case) -> None:
    events = case.play(case.task(), CancelToken(deadline_seconds=0.0))
    assert events[-1] == Cancelled(steps=0, reason="deadline")


@every_method
def test_only_the_slice_of_the_task_moves(case: Case) -> None:
    task = case.task(sliced=True)
    before = {name: p.detach().clone() for name, p in task.model.named_parameters()}
    case.play(task)
    after = dict(task.model.named_parameters())
    outside = [name for name in before if name not in task.parameters()]
    assert outside
    assert all(name.startswith(("conv1", "bn1", "pos_embed")) for name in outside)
    assert all(torch.equal(before[name], after[name]) for name in outside)
    assert not all(torch.equal(before[name], after[name]) for name in task.parameters())


@every_method
@pytest.mark.parametrize("stopped", [False, True])
def test_modes_and_gradients_are_as_before(case: Case, stopped: bool) -> None:
    task, token = case.task(), CancelToken()
    task.model.eval()
    list(task.model.children())[-1].train()
    next(task.model.parameters()).requires_grad_(True)
    modes = [m.training for m in task.model.modules()]
    needs = [p.requires_grad for p in task.model.parameters()]
    for event in case.start(task, token):
        if stopped and isinstance(event, Step):
            token.cancel()
        if isinstance(event, Finished | Cancelled):
            # At the last event, not only after it: whoever reads it stops asking.
            assert [m.training for m in task.model.modules()] == modes
    assert [m.training for m in task.model.modules()] == modes
    assert [p.requires_grad for p in task.model.parameters()] == needs
    assert all(p.grad is None for p in task.model.parameters())


@every_method
def test_a_loss_that_is_not_a_number_is_diverged(case: Case) -> None:
    task = case.task(dataset=replace(tiny_dataset(), mean=(math.nan,) * 3))
    task.model.eval()
    with pytest.raises(Diverged) as caught:
        case.play(task)
    assert caught.value.hint
    assert not any(m.training for m in task.model.modules())  # modes are as before


@every_method
def test_unknown_field_is_refused_with_the_nearest(case: Case) -> None:
    names = [field.name for field in case.spec.config_cls.settings() if "_" in field.name]
    name = "batch_size" if "batch_size" in names else names[0]
    with pytest.raises(UnknownName, match=f"Did you mean '{name}'"):
        case.spec.config_cls.from_dict({name.replace("_", ""): 4})


@every_method
def test_values_out_of_range_are_refused(case: Case) -> None:
    config_cls = case.spec.config_cls
    for spec in config_cls.settings():
        if spec.kind in ("int", "float"):
            assert spec.low is not None
            assert spec.high is not None
            for value in (spec.low - 1, spec.high + 1):
                with pytest.raises(ConfigError, match=spec.name):
                    config_cls.from_dict({spec.name: int(value) if spec.kind == "int" else value})
