"""Measures a published generator of classes and its retrained models as the page does, so that a run need not draw what a card can say.

    python -m recipes.records emoji-dit                              # the records of every class, into the card
    python -m recipes.records fashion-mnist-ddpm --bench Trouser     # with the benchmark's numbers, 500@50, of these
    python -m recipes.records fashion-mnist-ddpm --sheet             # the picture of its card: four samples of each class

Samples, noise, sampler and judge are those of a run's evaluation (sfr_core.generation). Of a text-to-image model every run draws all
samples itself: which paraphrases count, the original tells. The noise of the sheet is fixed (SEED, chosen once and not among several).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from recipes.command import one_sentence, parser_of
from recipes.publish import CARD, DRAFT
from sfr_core.configs import RunConfig
from sfr_core.data.samples import sample_plan
from sfr_core.errors import InputError
from sfr_core.metrics.generation import BENCH, Protocol
from sfr_core.ops.sampling import sample_pictures, sheet_png
from sfr_core.ops.stepwise import drained
from sfr_core.presets import resolve
from sfr_core.runs.sampling import OriginalSamples, draw, protocol_of
from sfr_core.runs.session import Session
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.zoo.cards import SAMPLES, Sampling, read_card, write_card
from sfr_core.zoo.shipped import MODELS, ModelCard, card, open_dataset, open_model

COLUMNS = 4
SEED = 2024
METHOD = "finetune"
"""Any method: nothing is run."""
PRECISION = "bf16"


def open_session(model: ModelCard, name: str) -> Session:
    """A session that would forget this class."""
    settings = resolve(model.id, METHOD, kind=model.kind)
    config = RunConfig(
        model=model.id, forget=f"class:{name}", method=METHOD, settings=settings, device="cpu", precision=PRECISION
    )
    return Session.open(config, model)


def with_records(model: ModelCard, sampler: Protocol, names: Sequence[str]) -> ModelCard:
    """The card with the records of the original, class by class, and of each retrained model; ValueError: it draws prompts."""
    if model.kind == "text-to-image":
        raise ValueError(f"{model.id} forgets no categories: its runs draw all samples themselves.")
    untouched = OriginalSamples(sampler)
    found, retrained = dict(model.records), {one.spec: one for one in model.retrained}
    for name in names:
        session, spec = open_session(model, name), f"class:{name}"
        task, forgotten = session.task, session.split.spec.classes
        assert isinstance(task, DiffusionTask)
        labels = sample_plan(forgotten, task.classes, sampler.n)
        before = untouched.drawn(task, session.reference("before"), labels).record(forgotten)
        found[spec] = {**found.get(spec, {}), sampler.name: before}
        if spec in retrained:
            assert task.judge is not None
            work = draw(task, task.judge, labels, sampler, session.reference("retrained"))
            after, old = drained(work).record(forgotten), retrained[spec]
            retrained[spec] = replace(old, records={**old.records, sampler.name: after})
        print(name, before.FA, before.JA_remain, flush=True)
    return replace(model, records=found, retrained=tuple(retrained.values()))


def draw_sheet(model: ModelCard, sampling: Sampling) -> Path:
    """Writes samples.png into the folder of a model that draws pixels and returns its path."""
    data, network = open_dataset(model), open_model(model)
    height, width, channels = data.train.images.shape[1:]
    classes = len(data.class_names)
    work = sample_pictures(
        lambda x, t, y: network(x, t, y).sample,
        np.repeat(np.arange(classes), COLUMNS),
        (channels, height, width),
        null=classes,
        seed=SEED,
        steps=sampling.steps,
        guidance=sampling.guidance,
        device=torch.device("cpu"),
    )
    path = model.folder / SAMPLES
    path.write_bytes(base64.b64decode(sheet_png(drained(work), COLUMNS)))
    return path


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("model")
    parser.add_argument("--bench", nargs="+", metavar="CLASS", help="the benchmark's records of these")
    parser.add_argument("--sheet", action="store_true", help="only draw the sheet")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    with one_sentence():
        draft = (MODELS / args.model / DRAFT).exists()
        name = DRAFT if draft else CARD
        model = read_card(MODELS / args.model, DRAFT) if draft else card(args.model)
        if model.sampling is None:
            raise InputError(f"'{model.id}' is not a generator.", hint="Choose a model that draws.")
        if args.sheet:
            print(draw_sheet(model, model.sampling))
            return
        known = open_dataset(model).class_names
        if not set(args.bench or ()) <= set(known):
            parser.error(f"no such class; there are {', '.join(known)}")
        write_card(with_records(model, BENCH if args.bench else protocol_of(model), args.bench or known), name)


if __name__ == "__main__":
    main()
