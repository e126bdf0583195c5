"""The replay can fail: a rule broken on purpose moves the final weights as cases/README.md section 6 says.

The recorded shifts were measured by somebody else's replay. Ours must be shifted by the same amount, so these tests also
say that our alternatives (separate optimiser state, held weights, plain ascent) are the alternatives that were meant.
"""

from __future__ import annotations

from typing import Any

import pytest
from torch import Tensor

from tests.golden.cases import load
from tests.golden.replay import WEIGHT_ABS, check_final, largest_shift
from tests.golden.sfron_checks import run_sfron
from tests.golden.tasks import Batch, ClassifierTask

SEPARATE = {"optimizer_state": "separate"}
PLAIN = {"adaptive": False}
HOLD = {"masked_weights": "hold"}


def check_fails(name: str, task: Any = None, **changes: Any) -> float:
    """Runs the case with the changes, sees the comparison fail, and gives the largest shift of any final tensor."""
    run = run_sfron(load(name), task, **changes)
    with pytest.raises(AssertionError):
        check_final(run)
    return largest_shift(run)


def about(recorded: float) -> Any:
    """A shift recorded with one or two digits."""
    return pytest.approx(recorded, rel=0.1)


@pytest.mark.parametrize(
    ("name", "changes", "shift"),
    [
        ("classifier_sfron", SEPARATE, 1.4e-1),
        ("classifier_sfron_adamw", SEPARATE, 1.7e-4),
        ("ddpm_sfron", SEPARATE, 1.0e-3),
        ("dit_ga_mask", SEPARATE, 6e-4),
        ("classifier_sfron", PLAIN, 4.5e-2),
        ("classifier_sfron_adamw", PLAIN, 1.7e-4),
        ("classifier_sfron", HOLD, 6e-3),
        ("classifier_sfron_adamw", HOLD, 7e-5),
    ],
)
def test_broken_rule_moves_the_weights_as_recorded(name: str, changes: dict[str, Any], shift: float) -> None:
    assert check_fails(name, **changes) == about(shift)


class EvalInForgetStep(ClassifierTask):
    """BatchNorm frozen in the forget step only."""

    def own_losses(self, batch: Batch) -> Tensor:
        if batch.phase != "forget":
            return super().own_losses(batch)
        self.model.eval()
        losses = super().own_losses(batch)
        self.model.train()
        return losses


@pytest.mark.parametrize(("name", "shift"), [("classifier_sfron", 1.3e-1), ("classifier_sfron_adamw", 3e-4)])
def test_eval_mode_in_the_forget_step_moves_the_weights_as_recorded(name: str, shift: float) -> None:
    assert check_fails(name, EvalInForgetStep(load(name))) == about(shift)


def test_dropping_the_short_fisher_batch_moves_the_mask_and_the_weights() -> None:
    case = load("classifier_sfron")
    run = run_sfron(case, fisher_last_batch="drop")
    assert len([a for a in run.task.asked if a.batch.phase == "fisher_forget"]) == 3  # the last one is seen, not used
    assert abs(run.mask_ready.density - case.expected["mask_density"]["_all"]) > 0.01
    assert largest_shift(run) > 100 * WEIGHT_ABS
    with pytest.raises(AssertionError):
        check_final(run)


@pytest.mark.parametrize(
    "changes",
    [
        {"lr_schedule": "constant"},
        {"alpha_schedule": "linear"},
        {"lam": 0.6},
        {"forget_every": 6},
        {"clip_forget": 7.5},
        {"clip_remain": 1.0},
        {"mask": False},
        {"gamma": 1.1},
        {"slow_beta": 0.99},
        {"weight_decay": 0.0},
        {"alternate": False},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_other_field_counts(changes: dict[str, Any]) -> None:
    assert check_fails("classifier_sfron", **changes) > 10 * WEIGHT_ABS
