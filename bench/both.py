"""SFR-on and SFR-on redirected side by side, on every shipped generator: today's quick presets, the same forget sets and seeds.

    python -m bench.both

The cells are those of bench.generators, which measures them; here only what both methods were measured on stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from bench.cells import OWN_STEPS, Cell, Place, find, unmeasured
from bench.generators import COMPARED, SEEDS, stored
from bench.pace import data_of
from bench.tables import fd_ratio, harm, kept, markdown, nearest_loss, spread
from recipes.command import parser_of
from sfr_core.catalog import title_of
from sfr_core.metrics.generation import Protocol
from sfr_core.runs.sampling import protocol_of
from sfr_core.zoo.cards import ModelCard
from sfr_core.zoo.shipped import card

PIXELS = Protocol(100, 20)
"""Samples and sampler steps of the pixel model's table of methods; latent models are measured as the page measures a run."""
Pair = tuple[Cell, Cell]


def pairs(model: ModelCard, cells: Sequence[Cell]) -> tuple[list[Pair], list[Place]]:
    """The cells of OWN_STEPS on each forget set and seed that both were measured on, and what is missing."""
    protocol = PIXELS if model.kind == "ddpm" else protocol_of(model)
    both: list[Pair] = []
    missing: list[Place] = []
    for seed in SEEDS:
        for name in COMPARED[model.id]:
            where = [Place(name, seed, method, data=data_of(model.kind)) for method in OWN_STEPS]
            found = [find(cells, unmeasured(model, place, protocol.name)) for place in where]
            missing += [place for place, cell in zip(where, found, strict=True) if cell is None]
            ours, theirs = found
            if ours is not None and theirs is not None:
                both.append((ours, theirs))
    return both, missing


def row(model: ModelCard, cells: Sequence[Cell]) -> list[str]:
    """Mean and spread of one method."""
    words = [cell["after"].get("FA_paraphrase") for cell in cells]
    return [
        model.id, title_of(cells[0]["method"]), str(len(cells)), spread(c["after"]["FA"] for c in cells), spread(words),
        spread(map(nearest_loss, cells)), spread(map(fd_ratio, cells), 2), spread(map(harm, cells)),
        f"{sum(map(kept, cells))} of {len(cells)}", f"{spread((c['cpu_seconds'] for c in cells), 0)} s",
        ", ".join(sorted({c["precision"] for c in cells})),
    ]  # fmt: skip


def verdict(model: ModelCard, both: Sequence[Pair]) -> str:
    """Who is better on a model, in a sentence."""
    ours, theirs = zip(*both, strict=True)
    apart = mean(map(harm, theirs)) - mean(map(harm, ours))
    first, second = (ours, theirs) if apart >= 0 else (theirs, ours)
    better, worse = (title_of(some[0]["method"]) for some in (first, second))
    won = sum(harm(a) < harm(b) for a, b in zip(first, second, strict=True))
    return (
        f"- `{model.id}`: {better} is better by {abs(apart):.1f} points of harm on the mean and in {won} of {len(both)} runs; "
        f"{better} keeps all targets in {sum(map(kept, first))} of them, {worse} in {sum(map(kept, second))}."
    )


def waiting(model: ModelCard, missing: Sequence[Place]) -> str:
    """What is not measured yet, with the command that does it."""
    samples = f" --samples {PIXELS.n} --sampler-steps {PIXELS.steps}" if model.kind == "ddpm" else ""
    groups = grouped_by_seed(missing)
    some = "; ".join(f"{title_of(method)} with seed {seed} on {names}" for (method, seed), names in groups.items())
    command = f"python -m bench.generators --model {model.id}{samples} --methods sfr-on --precision fp32"
    return f"- `{model.id}`, not measured yet: {some} (`{command}` goes on)."


def grouped_by_seed(missing: Sequence[Place]) -> dict[tuple[str, int], str]:
    """Names of what is missing, by method and seed."""
    keys = dict.fromkeys((place.method, place.seed) for place in missing)
    return {key: ", ".join(p.forget for p in missing if (p.method, p.seed) == key) for key in keys}


def table() -> str:
    """The table, a sentence for each model, and what is missing."""
    cells = stored()["cells"]
    rows, said = [], []
    for name in COMPARED:
        model = card(name)
        both, missing = pairs(model, cells)
        rows += [row(model, group) for group in zip(*both, strict=True)]
        said += [verdict(model, both)] if both else []
        said += [waiting(model, missing)] if missing else []
    head = "model | method | runs | left | in other words | loss of the rest or neighbours | FD ratio | harm | all targets kept | CPU time | precision"
    about = "Mean and standard deviation, in percent and points. Harm is what is left plus what the rest (of a concept: its neighbours) lost."
    return "\n".join([markdown(head, rows), "", about, *said])


def main(argv: list[str] | None = None) -> None:
    parser_of(__doc__).parse_args(argv)
    print(table())


if __name__ == "__main__":
    main()
