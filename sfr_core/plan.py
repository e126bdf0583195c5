"""What a run will do, resolved once from its config: model, method, forget set, prompts, names of labels and split. No torch."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from sfr_core import catalog
from sfr_core.catalog.base import MethodSpec
from sfr_core.configs import MethodConfig, RunConfig
from sfr_core.data.concepts import PromptPlan, Role, plan_prompts, read_concepts
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import BY_FILES, ForgetSpec, Split, parse_forget, split_rows
from sfr_core.errors import ConfigError
from sfr_core.kinds import KINDS
from sfr_core.zoo import shipped
from sfr_core.zoo.cards import ModelCard, check_kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetPlan:
    """What is forgotten of which labels. It holds no pictures, so that a visitor's can go while the run's record stays.

    Attributes:
        spec: of a concept, its `classes` are the labels of the prompts that ask for it.
        rows: int64, training rows of the forget set, sorted; of a concept, those of the pictures that its prompts draw. The
            other rows follow from them: hundreds of plans are kept, each must stay small.
        names: name of each label: classes, or prompts of a text-to-image model.
        prompts: of a run that forgets a concept, else None.
        n_train, n_test: pictures that the model comes with.
    """

    spec: ForgetSpec
    rows: NDArray[np.int64]
    names: tuple[str, ...]
    prompts: PromptPlan | None
    n_train: int
    n_test: int

    @property
    def split(self) -> Split:
        """Rows of the forget and of the remain set."""
        if self.prompts is not None:
            return self.prompts.split
        return Split(self.spec, self.rows, np.setdiff1d(np.arange(self.n_train), self.rows).astype(np.int64))

    @property
    def n_remain(self) -> int:
        """Training rows of the remain set."""
        return len(self.split.remain) if self.prompts is not None else self.n_train - len(self.rows)

    @property
    def roles(self) -> tuple[Role, ...]:
        """What each prompt is to the forgotten concept; empty where labels are classes."""
        return () if self.prompts is None else tuple(prompt.role for prompt in self.prompts.prompts)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """A run before it begins. Session, jobs, records and the live feed carry it, to another process too; nothing reads the config's
    text again.

    Attributes:
        config: as asked for; `data` says "data-free" where the model has no pictures.
        card: the model. settings: of the method, validated.
        forget: what it forgets.
    """

    config: RunConfig
    card: ModelCard
    settings: MethodConfig
    forget: ForgetPlan

    @property
    def method(self) -> MethodSpec:
        """How it forgets."""
        return catalog.spec_of(self.config.method, self.card.kind)


def plan(
    config: RunConfig,
    *,
    card: ModelCard | None = None,
    dataset: Dataset | None = None,
    forget: ForgetPlan | None = None,
    files: bool = False,
) -> RunPlan:
    """Resolves a config against its model, and checks everything that needs no weights.

    Args:
        config: the run.
        card, dataset: the model and its pictures where the zoo does not know them (a draft, one of the Hub, a visitor's own).
        forget: of another plan for the same model, forget set and redirection.
        files: `samples:@FILE` and `files:@FILE` may name a file (the command line only). The plan's config then holds the row numbers, as it
            does wherever pictures are named by their files.

    Raises:
        InputError: an unknown model, method, class, concept or field, a value out of range, or a forget set, source of
            pictures or redirection that this kind of model cannot have.
    """
    card = card or shipped.card(config.model)
    config = _read_alike(config, card)
    settings = catalog.spec_of(config.method, card.kind).config_cls.from_dict(config.settings)
    settings.check_abilities(KINDS[card.kind].abilities)
    forget = forget or plan_forget(config, card, dataset or shipped.open_dataset(card), files=files)
    if files or config.forget.strip().startswith(BY_FILES):
        config = replace(config, forget=forget.spec.text)
    if not forget.n_train:
        config = replace(config, data="data-free")  # there is no other source: the run's files say so
    return RunPlan(config=config, card=card, settings=settings, forget=forget)


def _read_alike(config: RunConfig, card: ModelCard) -> RunConfig:
    """The config with the way in which the classifier's own pictures are read.

    Raises:
        ConfigError: the run that it repeats read them otherwise.
    """
    there, here = config.reading, card.reading
    if there == here:
        return config
    if there is None:
        return replace(config, reading=here)
    other = [f.name for f in fields(there) if getattr(there, f.name) != getattr(here, f.name, None)]
    raise ConfigError(
        f"That run read its pictures otherwise ({', '.join(other)}).",
        hint="Leave that out of --architecture: the run's config says it.",
    )


def plan_forget(config: RunConfig, card: ModelCard, dataset: Dataset, *, files: bool = False) -> ForgetPlan:
    """The part of the plan that names what is forgotten; arguments and errors as for `plan`."""
    spec = parse_forget(config.forget, dataset.class_names, files=files, dataset=dataset)
    check_kind(card.kind, spec, config.data, config.redirect)
    sizes = {"n_train": len(dataset.train), "n_test": len(dataset.test)}
    if not spec.concept:
        rows = split_rows(spec, dataset.train.labels).forget
        return ForgetPlan(spec=spec, rows=rows, names=dataset.class_names, prompts=None, **sizes)
    prompts = plan_prompts(read_concepts(card.folder), spec, config.redirect)
    return ForgetPlan(spec=prompts.spec, rows=prompts.split.forget, names=prompts.names, prompts=prompts, **sizes)
