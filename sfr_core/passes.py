"""What a run costs on every machine: forward-backward passes over single pictures. No torch.

A pass without gradients counts as catalog.base.FORWARD. Left out are previews, the evaluation, and the pictures that a generator
draws of itself before a run, as they are left out of a run's seconds (docs/contracts.md, section result.json).
"""

from __future__ import annotations

import numpy as np

from sfr_core import presets
from sfr_core.catalog import BY_KIND
from sfr_core.catalog.base import Cost, Sizes
from sfr_core.catalog.retrain import RETRAIN
from sfr_core.data.class_sets import SelfGenerated
from sfr_core.kinds import KINDS
from sfr_core.plan import RunPlan
from sfr_core.zoo.cards import retrained_model


def sizes(run: RunPlan) -> tuple[int, int, int]:
    """Pictures to forget, to keep and to test on; where the model draws its own, those that it draws."""
    forget = run.forget
    if forget.prompts is not None or (run.config.data != "data-free" and forget.n_train):
        return len(forget.rows), forget.n_remain, 0 if forget.prompts else forget.n_test
    own = KINDS[run.card.kind].own or SelfGenerated()
    others = np.setdiff1d(np.arange(len(forget.names)), forget.spec.classes)
    labels = own.labels(forget.spec.classes, others)
    mine = int(np.isin(labels, forget.spec.classes).sum())
    return mine, len(labels) - mine, 0


def planned(run: RunPlan) -> float:
    """Passes of a run that makes all of its steps."""
    return cost_of(run).passes


def made(run: RunPlan, *, steps: int, forgetting: int, total: int) -> float:
    """Passes of the steps that a run made, and of the Fisher or mask before them.

    Args:
        steps: that were made. forgetting: those of them that had a forget loss. total: that a whole run makes; 0 for a method in
            closed form.
    """
    cost = cost_of(run)
    share = steps / total if total else 1.0
    # A run may leave forgetting steps out (RedirectedConfig.forget_down_to); what others make of them follows the steps.
    forgot = min(1.0, forgetting / cost.forgetting) if cost.forgetting else share
    return cost.fisher + share * cost.remain + forgot * cost.forget


def retraining(run: RunPlan) -> float | None:
    """Passes that retraining without the run's forget set takes.

    Of a shipped classifier those of its recipe, of a generator those that its shipped retrained model took; None where neither is known.
    """
    card = run.card
    reference = retrained_model(card, run.forget.spec.text)
    seen = None if reference is None else reference.training.get("images_seen")
    recipe = BY_KIND[card.kind].get(RETRAIN)
    if seen:
        return float(seen)
    if KINDS[card.kind].draws or card.source != "bundled" or recipe is None:
        return None
    settings = recipe.config_cls.from_dict(presets.resolve(card.id, RETRAIN, kind=card.kind))
    return recipe.cost(settings, _counted(run)).passes


def cost_of(run: RunPlan) -> Cost:
    """What its method takes."""
    return run.method.cost(run.settings, _counted(run))


def _counted(run: RunPlan) -> Sizes:
    n_forget, n_remain, _ = sizes(run)
    return Sizes(forget=n_forget, remain=n_remain, classes=len(run.forget.names))
