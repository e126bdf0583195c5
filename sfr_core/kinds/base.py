"""What is known of a kind of model without opening one. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from sfr_core.data.class_sets import PreviewSettings, SelfGenerated


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a generator's pictures are drawn where nobody asks for anything else: DDIM `steps`, and `guidance` w of
    e(null) + w (e(class) - e(null)).
    """

    steps: int
    guidance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A model that comes as a whole pipeline in diffusers' format: its class, and the part that forgets."""

    name: str
    trained: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of model.

    Attributes:
        id: ModelCard.kind. order: place among the kinds; the first is what the page opens on, and what a model of nobody's card is.
        title, noun: for people, "Classifier" and "classifier". only: why the methods that it alone knows cannot do others.
        forgets: what of a forget specification it accepts: "class", "random", "samples", "concept".
        abilities: what its tasks can do beside Task (tasks/base.py), so that what one cannot do is refused before a run begins. A method may
            be kept from a kind whose task inherits what the method needs.
        opens: makes a task of this kind of a tasks.base.Opening. measures: a run's models at its end (runs/evaluate.py). These and the
            next two are functions, "module:name", imported on first use.
        dataset, loads: functions of a card: the pictures that go with a model, and its network or pipeline, on the CPU.
        draws: it draws pictures, so that a judge names what it shows; else it is asked about pictures.
        prompts: its labels are prompts.
        pipeline: what it comes as; None for a lone network.
        sampling: of its pictures where a model of the Hub says nothing else.
        previews, own: what it draws in a run and before it; None for what draws nothing.
        passes_per_mask: inputs of the network for each picture of a Fisher: 2 where its answer there is guided.
        default_method: what is offered first for the models that it has presets of their own for (presets.default_method).
    """

    id: str
    order: int
    title: str
    noun: str
    only: str
    forgets: tuple[str, ...]
    abilities: frozenset[str]
    opens: str
    measures: str = "sfr_core.runs.evaluate:by_samples"
    dataset: str = "sfr_core.zoo.shipped:shipped_pictures"
    loads: str = "sfr_core.zoo.shipped:open_network"
    draws: bool = True
    prompts: bool = False
    pipeline: Pipeline | None = None
    sampling: Sampling | None = None
    previews: PreviewSettings | None = None
    own: SelfGenerated | None = None
    passes_per_mask: int = 1
    default_method: str = "sfr-on"


def named(text: str) -> Any:
    """What "module:name" stands for; imports the module."""
    module, _, name = text.partition(":")
    return getattr(import_module(module), name)
