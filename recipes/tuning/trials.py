"""Trials of settings on shipped models: the command line, the loop and the log that every kind of model shares."""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from recipes.command import parser_of
from recipes.train import WORK
from sfr_core.cancel import CancelToken
from sfr_core.catalog import spec_of
from sfr_core.configs import parse_value
from sfr_core.errors import ConfigError, UnknownName
from sfr_core.events import Step
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session

LOGS = WORK / "tuning"
NEVER = 10**6

Outcome = dict[str, Any]


def assignments(method: str, texts: Sequence[str], *, many: bool, kind: str = "classifier") -> dict[str, list[Any]]:
    """`field=a,b` to values of the method's config, as it works on this kind of model."""
    known = {s.name: s for s in spec_of(method, kind).config_cls.settings()}
    found = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if name not in known:
            raise UnknownName("field", name, known)
        if not equals:
            raise ConfigError(f"'{text}' gives no value.", hint="Write field=value.")
        found[name] = [parse_value(known[name], v) for v in (values.split(",") if many else [values])]
    return found


def single(method: str, texts: Sequence[str], kind: str = "classifier") -> dict[str, Any]:
    """`field=value` to values of the method's config."""
    return {name: values[0] for name, values in assignments(method, texts, many=False, kind=kind).items()}


def bare(session: Session) -> tuple[list[float], float]:
    """Runs a session without live evaluations; returns its forget losses and the CPU seconds that it took."""
    cpu = time.process_time()
    losses = [
        event.forget_loss
        for event in run(session, cancel=CancelToken(), live_every=NEVER, evaluate=False)
        if isinstance(event, Step) and event.forget_loss is not None
    ]
    return losses, time.process_time() - cpu


def tenth(losses: list[float]) -> list[float]:
    """About ten of the losses."""
    return losses[:: max(1, len(losses) // 10)]


def try_all(
    settings: Sequence[dict[str, Any]], forget: Sequence[str], seeds: Sequence[int],
    trial: Callable[[dict[str, Any], str, int], Outcome], summary: Callable[[list[Outcome]], str], log: Path,
) -> None:  # fmt: skip
    """Every setting on everything to forget with every seed: a JSON line for each in the log, at the end one for each setting."""
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for changed in settings:
        outcomes = []
        for name, seed in itertools.product(forget, seeds):
            outcomes.append({"set": changed, "forget": name, "seed": seed, **trial(changed, name, seed)})
            line = json.dumps(outcomes[-1])
            with open(log, "a", encoding="utf-8") as file:
                file.write(line + "\n")
            print(line, flush=True)
        lines.append(f"{json.dumps(changed)}: {summary(outcomes)}")
        print(lines[-1], flush=True)
    print("\n".join(["", *lines]))


def arguments(doc: str | None, what: str, seed: int) -> argparse.ArgumentParser:
    """What every tuning is asked with."""
    parser = parser_of(doc)
    parser.add_argument("method")
    parser.add_argument("forget", nargs="+", metavar=what)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--try", nargs="+", default=[], dest="tried", metavar="'FIELD=VALUE ...'")
    parser.add_argument("--seeds", nargs="+", type=int, default=[seed])
    return parser
