"""What an entry of the catalog is made of. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from sfr_core.configs.base import MethodConfig, OptimizerConfig
from sfr_core.events import Event, Phase
from sfr_core.kinds.base import named

Method = Callable[..., Iterator[Event]]
"""``method(task, config, *, rng: torch.Generator, cancel: CancelToken)``: changes ``task.model`` in place and speaks in events."""
ANY = "*"
"""Stands for every model that has no presets of its own."""
CLASS = "class:"
"""Beginning of the forget specifications of whole classes."""
SCATTERED = " scattered"
"""Ending of a model's key for presets that hold for a random share and for chosen samples, not for whole classes."""
FORWARD = 1 / 3
"""A forward pass takes about a third of the time of forward, backward and update."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Of what a run works on.

    Attributes:
        forget, remain: pictures of the two sets.
        classes: classes or prompts of the model.
    """

    forget: int
    remain: int
    classes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run of a method takes, counted from its settings; with the defaults one in closed form, which trains nothing.

    Time, in forward-backward passes over single pictures (a pass without gradients counts as FORWARD), evaluation left out:

    Attributes:
        forget, remain: passes of all steps, by the set that their pictures are of.
        fisher: passes before the first step that make a Fisher or a mask.
        forgetting: steps that the passes of `forget` belong to, where only some steps forget; 0 where all do.

    Memory, beside the network itself and one gradient for each weight that is trained:

    Attributes:
        batch: pictures in one pass of a step.
        batches: passes of a step whose activations wait together for one backward pass; 0 where nothing is trained.
        networks: whole copies of the network that are asked during the steps: teachers, and one with fresh weights.
        optimizers: sets of optimiser states.
        tensors: single-precision numbers for each trained weight that are held during all steps: slow weights, Fishers, start weights.
        masks: bytes for each trained weight that are held likewise; a mask is one byte a weight.
        aside: single-precision numbers for each trained weight that are held only while a step moves the weights.
        fishers: Fishers (or sums of gradients) that are made before the first step, one after the other, each of single precision.
        fisher_batch: pictures in one pass for a Fisher; a kind whose mask needs a guided answer asks twice about each.
    """

    forget: float = 0.0
    remain: float = 0.0
    fisher: float = 0.0
    forgetting: int = 0
    batch: int = 0
    batches: int = 0
    networks: int = 0
    optimizers: int = 0
    tensors: int = 0
    masks: int = 0
    aside: int = 0
    fishers: int = 0
    fisher_batch: int = 0

    @classmethod
    def training(cls, config: OptimizerConfig, *, batches: int = 1, optimizers: int = 1, **counts: float) -> Self:
        """Of a method that trains with batches of its config's size; `counts`: the other attributes."""
        return cls(batch=config.batch_size, batches=batches, optimizers=optimizers, **counts)  # type: ignore[arg-type]

    @property
    def passes(self) -> float:
        """All passes of the run."""
        return self.forget + self.remain + self.fisher

    @property
    def trains(self) -> bool:
        """Whether anything is kept for a backward pass."""
        return self.batches > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A method's row in the paper's unifying table; a part that it has not is "".

    In the formulas g_f and g_r are the gradients of the mean losses of forget and remain set at the present weights θ, θ0 the
    weights before, F_f and F_r the diagonal Fishers of the two sets, t/T the share of the run that is over.

    Attributes:
        mask: which weights may move. forgetting, remaining: what the two sets ask for. manifold: in which metric a step is small.
    """

    mask: str = ""
    forgetting: str = ""
    remaining: str = ""
    manifold: str = ""


@dataclass(frozen=True, slots=True)
class Preset:
    """Fields that differ from the defaults of the method's config, and where their values come from."""

    values: Mapping[str, Any]
    source: str


def budgets(
    source: str, common: Mapping[str, Any], quick: Mapping[str, Any], thorough: Mapping[str, Any]
) -> dict[str, Preset]:
    """The presets quick and thorough that have one source, and the values that they share."""
    return {"quick": Preset({**common, **quick}, source), "thorough": Preset({**common, **thorough}, source)}


Presets = Mapping[str, Mapping[str, Preset]]
"""By model, cheapest first: an identifier (of a model of the Hub without its revision), one with the ending SCATTERED or with a class
that has values of its own where it is forgotten alone ("ID class:Bag"), or ANY."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSpec:
    """A method as it works on one kind of model.

    Attributes:
        id: on the command line, in links and in files.
        title, summary: name and one sentence for people.
        order: place among the methods, from the left.
        config_cls: its hyper-parameters.
        function: "module:name" of its loop, imported on first use.
        requires: abilities (Kind.abilities) that the task must have beside those of Task.
        paper: citation.
        parts: its row in the paper's unifying table.
        prepares: the phases that a run goes through before its first step, by its config.
        cost: what a run takes, by its config.
        presets: how much may be spent, with the sources of the values.
        as_written: what the variant "paper" changes in the values of a preset.
        redirects: teaches the redirection as the answer to a concept; the others only move away from it.
        together: several processes can run it together: it draws no network, and no mask but from averaged gradients.
    """

    id: str
    title: str
    summary: str
    order: int
    config_cls: type[MethodConfig]
    function: str
    requires: tuple[str, ...] = ()
    paper: str
    parts: Parts
    prepares: Callable[[Any], tuple[Phase, ...]] = lambda config: ()
    cost: Callable[[Any, Sizes], Cost]
    presets: Presets
    as_written: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda preset: {}
    redirects: bool = False
    together: bool = False

    @property
    def run(self) -> Method:
        """The method itself; the first access imports torch."""
        method: Method = named(self.function)
        return method
