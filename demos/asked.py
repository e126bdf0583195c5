"""What a run asks of its model, from its config alone: what is forgotten, and the classes or prompts that its pictures answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sfr_core.configs import RunConfig
from sfr_core.data.concepts import PromptPlan, Role, plan_prompts, read_concepts
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import ForgetSpec, parse_forget
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import check_kind


@dataclass(frozen=True, slots=True)
class Asked:
    """A run's labels, as its sheets, records and comparisons have them.

    Attributes:
        spec: what is forgotten; of a concept, its `classes` are the labels of the prompts that ask for it.
        dataset: the model's pictures; its class names are those of the labels: classes, or prompts.
        prompts: of a run that forgets a concept, else None.
    """

    spec: ForgetSpec
    dataset: Dataset
    prompts: PromptPlan | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each label."""
        return self.dataset.class_names

    @property
    def roles(self) -> tuple[Role, ...]:
        """What each prompt is to the forgotten concept; empty where labels are classes."""
        return roles_of(self.prompts)


def roles_of(prompts: PromptPlan | None) -> tuple[Role, ...]:
    """Role of each prompt of a plan; empty without one."""
    return () if prompts is None else tuple(prompt.role for prompt in prompts.prompts)


def asked(config: RunConfig) -> Asked:
    """Reads a config against its model's card, as Session does; no torch.

    Raises:
        InputError: an unknown model, class or concept, or a forget set or redirection that this kind of model cannot have.
    """
    card = zoo.card(config.model)
    dataset = zoo.open_dataset(card)
    spec = parse_forget(config.forget, dataset.class_names)
    check_kind(card.kind, spec, config.data, config.redirect)
    if not spec.concept:
        return Asked(spec, dataset)
    prompts = plan_prompts(read_concepts(card.folder), spec, config.redirect)
    return Asked(prompts.spec, replace(dataset, class_names=prompts.names), prompts)
