"""Reading the recorded cases, and turning their hyper-parameters into our configs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One folder of tests/golden/cases; see its README.md."""

    name: str
    settings: dict[str, Any]
    expected: dict[str, Any]
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]

    def tensors(self, prefix: str, *, given: bool = False) -> dict[str, Tensor]:
        """All `prefix.<name>` of the outputs (or of the inputs) by name."""
        found = self.inputs if given else self.outputs
        return {k[len(prefix) + 1 :]: v for k, v in found.items() if k.startswith(prefix + ".")}


@cache
def load(name: str) -> Case:
    """The case of that folder; nobody may change its tensors."""
    folder = FOLDER / name
    return Case(
        name=name,
        settings=json.loads((folder / "case.json").read_text()),
        expected=json.loads((folder / "expected.json").read_text()),
        inputs=load_file(folder / "inputs.safetensors"),
        outputs=load_file(folder / "expected.safetensors"),
    )


def optimizer_fields(case: Case) -> dict[str, Any]:
    """Fields of MethodConfig for the recorded optimiser; refuses one that our configs cannot express."""
    recorded = dict(case.settings["optimizer"])
    fields: dict[str, Any] = {
        "optimizer": recorded.pop("name").lower(),
        "lr": recorded.pop("lr"),
        "weight_decay": recorded.pop("weight_decay"),
    }
    if "momentum" in recorded:
        fields["momentum"] = recorded.pop("momentum")
    defaults = {"nesterov": False, "dampening": 0, "betas": [0.9, 0.999], "eps": 1e-8, "amsgrad": False}
    assert all(defaults[k] == v for k, v in recorded.items()), recorded
    return fields


def lr_schedule(case: Case) -> str:
    return str(case.settings["lr_schedule"]).split()[0]


def sfron_fields(case: Case) -> dict[str, Any]:
    """Fields of SFRonConfig; every choice of the paper's variant stays as published (the defaults)."""
    s = case.settings
    adaptive = s["epsilon_weights"] is not None
    return {
        **optimizer_fields(case),
        "lr_schedule": lr_schedule(case),
        "steps": s["steps_T"],
        "forget_every": s["forget_period_k"],
        "alpha": s["alpha"],
        "alpha_schedule": s["alpha_schedule"],
        "forget_loss": "redirect" if s.get("pseudo_class") is not None else "ascent",
        "adaptive": adaptive,
        "lam": s["lambda"],
        "weight_eps": s["epsilon_weights"] if adaptive else 0.0,
        "mask": s["mask"],
        "gamma": 1.0 if s["gamma"] is None else s["gamma"],
        "mask_eps": s["epsilon_mask"],
        "fisher_clip": s.get("fisher_clip"),
        "fisher_batch_size": s["batch_size"]["forget"],
        "batch_size": s["batch_size"]["remain"],
        "clip_forget": s["clip_forget"],
        "clip_remain": s["clip_remain"],
        "slow_beta": s["slow_beta"],
    }


def epoch_fields(case: Case) -> dict[str, Any]:
    """Fields that all EpochConfigs share."""
    return {
        **optimizer_fields(case),
        "lr_schedule": lr_schedule(case),
        "epochs": case.settings["epochs"],
        "batch_size": max(len(b["rows"]) for b in case.settings["batches"]),
    }
