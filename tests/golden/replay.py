"""Runs one of our methods on a golden task, watches every optimiser step, and compares with what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from sfr_core.cancel import CancelToken
from sfr_core.events import Event, MaskReady, Step
from tests.golden.cases import Case
from tests.golden.tasks import GoldenTask, open_task

# cases/README.md, section 5: column "use on CPU, float32".
WEIGHT_ABS = 2e-6
FISHER_REL = 2e-5
EMA_ABS = 3e-6


def near(value: float) -> Any:
    """A recorded loss or gradient norm: abs 2e-6 + rel 1e-5."""
    return pytest.approx(value, rel=0, abs=2e-6 + 1e-5 * abs(value))


def same(value: float) -> Any:
    """A recorded alpha or learning rate: rel 1e-12 (and a zero at the end of a cosine)."""
    return pytest.approx(value, rel=1e-12, abs=1e-18)


@dataclass
class Update:
    """What an optimiser received in one step, read from its parameters and not from an event."""

    lr: float
    norm: float


@dataclass
class Replay:
    """A finished run of a method on a case."""

    task: GoldenTask
    events: list[Event] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    raw: list[dict[str, Tensor]] = field(default_factory=list)
    """Gradients right after each backward pass, before mask and clip."""
    shadow: dict[str, Tensor] = field(default_factory=dict)
    """The side average after the last step."""

    @property
    def steps(self) -> list[Step]:
        return [e for e in self.events if isinstance(e, Step)]

    @property
    def mask_ready(self) -> MaskReady:
        (found,) = (e for e in self.events if isinstance(e, MaskReady))
        return found

    def weights(self) -> dict[str, Tensor]:
        """Parameters and buffers."""
        return self.task.model.state_dict()


def replay(case: Case, method: Any, config: Any, task: GoldenTask | None = None) -> Replay:
    """Runs `method` to its end on `task` (default: the case's)."""
    run = Replay(task or open_task(case))
    rule = case.settings.get("side_average")
    run.shadow = {k: v.detach().clone() for k, v in run.task.parameters().items()}
    handles = [register_optimizer_step_pre_hook(lambda optimizer, *_: run.updates.append(_received(optimizer)))]
    handles += list(_watch_gradients(run))
    try:
        for event in method(run.task, config, rng=torch.Generator(), cancel=CancelToken()):
            run.events.append(event)
            if rule is not None and isinstance(event, Step):
                _average(run, rule["rate_mu"])
    finally:
        for handle in handles:
            handle.remove()
    return run


def _received(optimizer: torch.optim.Optimizer) -> Update:
    groups = optimizer.param_groups
    return Update(lr=groups[0]["lr"], norm=norm_of({str(i): p.grad for i, p in enumerate(groups[0]["params"])}))


def _watch_gradients(run: Replay) -> Iterator[Any]:
    """Notes every parameter's gradient as the backward pass leaves it; a repeated name opens a new pass."""

    def note(name: str, p: nn.Parameter) -> None:
        if not run.raw or name in run.raw[-1]:
            run.raw.append({})
        run.raw[-1][name] = p.grad.detach().clone()

    for name, parameter in run.task.parameters().items():
        yield parameter.register_post_accumulate_grad_hook(lambda p, name=name: note(name, p))


def _average(run: Replay, mu: float) -> None:
    for name, p in run.task.parameters().items():
        run.shadow[name].mul_(mu).add_(p.detach(), alpha=1.0 - mu)


def norm_of(gradients: Mapping[str, Tensor | None]) -> float:
    """Global L2 norm in float64; a missing gradient counts as 0."""
    squares = [g.double().square().sum() for g in gradients.values() if g is not None]
    return float(torch.stack(squares).sum().sqrt())


def masked_norm(gradients: Mapping[str, Tensor], mask: Mapping[str, Tensor]) -> float:
    """Norm of what the recorded mask leaves of the gradients; a case without a mask keeps everything."""
    return norm_of({k: g * mask[k] if mask else g for k, g in gradients.items()})


def largest_shift(run: Replay) -> float:
    """Largest difference between any final parameter (not buffer) and the recorded one."""
    final = run.task.case.tensors("final")
    return max(float((p.detach() - final[k]).abs().max()) for k, p in run.task.parameters().items())


def check_final(run: Replay) -> None:
    """Finals within 2e-6, and final minus init within 2 % of the tensor's largest movement."""
    case, weights = run.task.case, run.weights()
    start, final = case.tensors("init", given=True), case.tensors("final")
    assert set(weights) == set(final)
    moved = 0.0
    for name, value in weights.items():
        error = float((value.double() - final[name].double()).abs().max())
        movement = float((final[name].double() - start[name].double()).abs().max())
        assert error <= WEIGHT_ABS, name
        assert error <= 0.02 * movement, name
        moved = max(moved, movement)
    assert moved > 10 * WEIGHT_ABS, "the case hardly moves: the comparison would prove nothing"


def check_shadow(run: Replay) -> None:
    """The side average, where the case has one."""
    for name, value in run.task.case.tensors("ema").items():
        torch.testing.assert_close(run.shadow[name], value, rtol=0, atol=EMA_ABS, msg=name)


def check_fisher(case: Case, part: str, fisher: Mapping[str, Tensor]) -> None:
    """Every entry within 2e-5 of the tensor's largest, and the sums that were added in float64."""
    stored = case.tensors(f"fisher_{part}")
    sums = case.expected["fisher"][part]
    assert set(fisher) == set(stored) == set(sums)
    for name, value in fisher.items():
        error = float((value - stored[name]).abs().max())
        assert error <= FISHER_REL * float(stored[name].max()), name
        assert float(value.double().sum()) == pytest.approx(sums[name]["sum"], rel=1e-4), name
        assert float(value.double().square().sum()) == pytest.approx(sums[name]["sumsq"], rel=1e-4), name


def check_mask(mask: Mapping[str, Tensor], stored: Mapping[str, Tensor], density: Mapping[str, float]) -> None:
    """Equal entry by entry, and the recorded densities."""
    assert set(mask) == set(stored)
    for name, keep in mask.items():
        assert torch.equal(keep, stored[name]), name
        assert float(keep.double().mean()) == pytest.approx(density[name], abs=1e-12), name


def check_mask_event(event: MaskReady, density: Mapping[str, float]) -> None:
    """What the event says of the mask: total and per-tensor density."""
    assert event.density == pytest.approx(density["_all"], abs=1e-12)
    shares = {layer.name: layer.kept / layer.size for layer in event.layers}
    assert shares == pytest.approx({k: v for k, v in density.items() if k != "_all"}, abs=1e-12)


def check_rows(losses: Tensor, recorded: list[float]) -> None:
    """Per-sample losses in batch order."""
    assert losses.tolist() == [near(v) for v in recorded]
