"""Commands that look again at a text-to-image run whose files are here: `recover` attacks it, `exposed` counts body
parts, `agreement` asks a CLIP whether pictures show what their prompts say.

The model is opened as for the run, and the weights that the run changed are laid over it. torch is imported only then.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sfr_core.cancel import CancelToken, Stopped
from sfr_core.cli.stored import usable
from sfr_core.cli.talk import CANCELLED, answer, log, stop_on_signals
from sfr_core.configs.recovery import Attack
from sfr_core.errors import InputError
from sfr_core.hub.clip import CLIP, open_clip
from sfr_core.hub.concepts import can_count
from sfr_core.runs.files import (
    AGREEMENT,
    EXPOSED,
    RECOVERY,
    WEIGHTS,
    check_measured,
    read_config,
    read_weights,
    write_measured,
)

if TYPE_CHECKING:
    from sfr_core.runs.session import Session, Who
    from sfr_core.tasks.text_to_image import TextToImageTask

DONE = 0
CONCEPT = "concept:"
MODELS = {"after": "the unlearned model", "retrained": "the retrained model", "before": "the original model"}
LINES = 10
"""Lines on stderr that tell of the progress of one piece of work."""


def add_checks(commands: argparse._SubParsersAction[Any]) -> None:
    """Adds the commands to the parser's."""
    recover = commands.add_parser(
        "recover",
        help="attack a text-to-image run: can a learned word bring the concept back?",
        description="Learns a word that no dictionary has from pictures of the concept, with every weight of the run held still, "
        "and draws with it. The same attack on the model before the run, and on one retrained without the concept where there is one, tells "
        f"what it can do; their outcomes are kept for the next time. Writes {RECOVERY} into the run's folder. Needs a model with a judge.",
    )
    attack = Attack()
    _count(recover, "--steps", attack.steps, "training steps of the word")
    _count(recover, "--samples", attack.samples, "pictures drawn with it")
    recover.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the attack (default 0)")
    _of_run(recover, _recover)
    exposed = commands.add_parser(
        "exposed",
        help="count exposed body parts before and after a text-to-image run, by NudeNet",
        description="Draws pictures of the concept's own prompts with the model before and after the run, without the safety "
        f"checker, counts exposed body parts and writes {EXPOSED} into the run's folder; the pictures are not kept. Needs NudeNet, "
        "which never comes with this program (AGPL-3.0).",
    )
    _count(exposed, "--samples", 40, "pictures of each model")
    _of_run(exposed, _exposed)
    agreement = commands.add_parser(
        "agreement",
        help="ask a CLIP how well pictures agree with their prompts before and after a text-to-image run",
        description="Draws pictures of the concept's own prompts, of what means the same in other words, of neighbours and of other "
        "concepts with the model before and after the run and with one retrained without the concept where there is one, scores each with "
        f"its prompt (CLIPScore, 0 to 100) and writes {AGREEMENT} into the run's folder; the pictures are not kept.",
    )
    agreement.add_argument(
        "--clip", default=CLIP, metavar="NAME", help=f"hub:OWNER/NAME@REVISION or a folder (default {CLIP})"
    )
    _count(agreement, "--samples", 40, "pictures of each kind of prompt")
    _of_run(agreement, _agreement)


def _of_run(parser: argparse.ArgumentParser, command: Callable[[argparse.Namespace], int]) -> None:
    parser.add_argument("run", type=Path, metavar="DIR", help="folder of a run, as `run --out DIR` wrote it")
    parser.add_argument("--overwrite", action="store_true", help="replace what an earlier call wrote")
    parser.set_defaults(command=command)


def _count(parser: argparse.ArgumentParser, option: str, usual: int, text: str) -> None:
    parser.add_argument(option, type=_at_least_one, default=usual, metavar="N", help=f"{text} (default {usual})")


def _at_least_one(text: str) -> int:
    n = int(text)
    if n < 1:
        raise argparse.ArgumentTypeError(f"{n} is less than 1")
    return n


def reopened(folder: Path) -> Session:
    """A run as it ended: `before` from its model, `after` from its files and live. Nothing is drawn or measured yet.

    Args:
        folder: with config.json and after.safetensors.

    Raises:
        InputError: no run of a text-to-image model, or files that are missing or damaged.
    """
    config = usable(read_config(folder))
    if not config.forget.strip().startswith(CONCEPT):
        raise InputError("This run forgets no concept.", hint="Choose the folder of a run of a text-to-image model.")
    from sfr_core.runs.session import Session

    changed = read_weights(folder)
    session = Session.open(config)
    session.take_up(changed, name=WEIGHTS)
    return session


def _recover(args: argparse.Namespace) -> int:
    check_measured(args.run, RECOVERY, overwrite=args.overwrite)
    session = reopened(args.run)
    task = cast("TextToImageTask", session.task)
    if task.judge is None:
        raise InputError("Nobody can tell whether the concept is back.", hint="Choose a run of a model with a judge.")
    from sfr_core.metrics.recovery import attack_steps
    from sfr_core.runs.recovery import ATTACKED, attack, attacked
    from sfr_core.runs.sampling import protocol_of

    sampler = protocol_of(session.card)
    how = Attack(steps=args.steps, samples=args.samples, seed=args.seed)
    started = time.perf_counter()

    def measure(cancel: CancelToken) -> tuple[dict[str, Any], str]:
        found: dict[str, Any] = dict.fromkeys(ATTACKED)
        # The attacker's pictures are those of the run: drawn by the untouched model, from the same noise.
        changed = session.changed_tensors()
        session.rollback()
        _finish(task.prepare(), task.preparation(), "drawing the pictures of the concept", cancel)
        session.take_up(changed)
        total = attack_steps(how, sampler, task.shape)
        for who in attacked(session):
            work = attack(session, who, how)
            found[who] = _finish(work, total, f"attacking {MODELS[who]}", cancel).to_json()
        shown = [f"{one['shown']:.1f} % of {MODELS[who]}" for who, one in found.items() if one is not None]
        said = {
            **found, "attack": asdict(how), "sampler_steps": sampler.steps, "guidance": sampler.guidance,
            "seconds": round(time.perf_counter() - started, 2),
        }  # fmt: skip
        return (
            said,
            f"A learned word brings the concept back: of {how.samples} samples each, it is on {', '.join(shown)}",
        )

    return _write(args.run, RECOVERY, session, measure)


def _exposed(args: argparse.Namespace) -> int:
    why = can_count()
    if why:
        raise InputError(why)
    check_measured(args.run, EXPOSED, overwrite=args.overwrite)
    session = reopened(args.run)
    from sfr_core.hub.exposure import expose, expose_steps
    from sfr_core.runs.sampling import protocol_of

    task, sampler = cast("TextToImageTask", session.task), protocol_of(session.card)

    def measure(cancel: CancelToken) -> tuple[dict[str, Any], str]:
        found: dict[str, Any] = {}
        for who in ("before", "after"):
            work = expose(task, sampler, args.samples, session.reference(who))
            total = expose_steps(args.samples, sampler)
            found[who] = _finish(work, total, f"drawing and counting, {who} the run", cancel).to_json()
        before, after = (sum(found[who]["counts"].values()) for who in ("before", "after"))
        return found, f"Exposed parts in {args.samples} pictures: {before} before the run, {after} after it"

    return _write(args.run, EXPOSED, session, measure)


def _agreement(args: argparse.Namespace) -> int:
    check_measured(args.run, AGREEMENT, overwrite=args.overwrite)
    session = reopened(args.run)
    clip, name = open_clip(args.clip, session.device)
    from sfr_core.metrics.agreement import Agreement, agree, agreement_steps
    from sfr_core.runs.sampling import protocol_of

    task, sampler = cast("TextToImageTask", session.task), protocol_of(session.card)
    models: tuple[Who, ...] = ("before", "after", "retrained") if session.has("retrained") else ("before", "after")

    def measure(cancel: CancelToken) -> tuple[dict[str, Any], str]:
        found: dict[str, Any] = {}
        total = agreement_steps(task, sampler, args.samples)
        for who in models:
            work = agree(task, sampler, clip, args.samples, session.reference(who))
            found[who] = _finish(work, total, f"drawing and scoring, {who} the run", cancel)
        # Pictures in one place start from the same noise, so that their difference has the smaller error of pairs.
        found["change"] = {role: scores - found["before"][role] for role, scores in found["after"].items()}
        told: dict[str, Any] = {
            what: {role: asdict(Agreement.of(scores)) for role, scores in groups.items()}
            for what, groups in found.items()
        }
        before, after = (told[who]["direct"]["mean"] for who in ("before", "after"))
        said = {**told, "clip": name, "sampler_steps": sampler.steps, "guidance": sampler.guidance}
        return said, f"CLIPScore of the concept's prompts: {before:.2f} before the run, {after:.2f} after it"

    return _write(args.run, AGREEMENT, session, measure, schema=2)


def _write(
    folder: Path,
    name: str,
    session: Session,
    measure: Callable[[CancelToken], tuple[dict[str, Any], str]],
    *,
    schema: int = 1,
) -> int:
    """Measures, and writes and prints the values; `measure` gives them with a sentence on them."""
    try:
        with stop_on_signals() as cancel:
            values, sentence = measure(cancel)
    except Stopped:
        log("Stopped; nothing was written.")
        return CANCELLED
    values |= {"device": f"{session.device_name}, {session.precision}", "schema": schema}
    write_measured(folder, name, values)
    answer(json.dumps(values))
    log(f"{sentence}; see {folder / name}.")
    return DONE


def _finish(work: Iterator[int], total: int, what: str, cancel: CancelToken) -> Any:
    """The result of a piece of work that yields what is done of `total`.

    Raises:
        Stopped: `cancel` was set; asked before every step.
    """
    every = max(1, total // LINES)
    while True:
        cancel.check()
        try:
            done = next(work)
        except StopIteration as end:
            return end.value
        if done % every == 0:
            log(f"{what}: {done} of {total}")
