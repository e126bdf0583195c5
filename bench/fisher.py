"""How much of a run the mask costs, and how well the cheap mask agrees with the mask of one whole pass.

    python -m bench.fisher [--forget class:Sneaker]

Targets: the Fisher phase takes at most a third of the run at the default preset; the agreement is stated.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import torch

from bench.classifier import open_session
from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.events import PhaseStarted
from sfr_core.methods.sfron import estimate_fisher
from sfr_core.ops.saliency import Tensors, saliency_mask
from sfr_core.ops.stepwise import drained
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session


def mask_of(session: Session, config: SFRonConfig, seed: int) -> Tensors:
    """The mask at the session's present weights."""
    rng, cancel = torch.Generator().manual_seed(seed), CancelToken()
    forget, remain = (
        drained(estimate_fisher(session.task, part, config, rng=rng, cancel=cancel)) for part in ("forget", "remain")
    )
    return saliency_mask(forget, remain, config.gamma, config.mask_eps)


def agreement(a: Tensors, b: Tensors) -> float:
    """Share of all entries on which two masks agree, 0 to 1."""
    same = sum(int((a[name] == b[name]).sum()) for name in a)
    return same / sum(m.numel() for m in a.values())


def phase_seconds(session: Session) -> dict[str, float]:
    """Wall seconds of each phase of one run."""
    seconds: dict[str, float] = {}
    phase, since = "", time.perf_counter()
    for event in run(session, cancel=CancelToken(), live_every=10**6, evaluate=False):
        if isinstance(event, PhaseStarted):
            now = time.perf_counter()
            seconds[phase] = seconds.get(phase, 0.0) + now - since
            phase, since = event.phase, now
    seconds[phase] = seconds.get(phase, 0.0) + time.perf_counter() - since
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forget", default="class:Sneaker")
    args = parser.parse_args()
    session = open_session(("sfr-on", "quick", "official", "", args.forget))
    config = SFRonConfig.from_dict(session.config.settings)
    full = replace(config, fisher_batches=None)
    cheap, whole, other = mask_of(session, config, 0), mask_of(session, full, 1), mask_of(session, full, 2)
    print(
        f"{args.forget}: agreement of the preset's mask with the whole-pass mask {100 * agreement(cheap, whole):.1f} %"
    )
    print(f"two whole-pass masks of other seeds agree on {100 * agreement(whole, other):.1f} %")
    seconds = phase_seconds(session)
    spent = seconds["fisher"] + seconds["mask"] + seconds["unlearn"]
    print(f"Fisher {seconds['fisher']:.1f} s of {spent:.1f} s: {100 * seconds['fisher'] / spent:.0f} % of the run")


if __name__ == "__main__":
    main()
