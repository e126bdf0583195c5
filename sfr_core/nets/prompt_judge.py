"""A judge of pictures that answers in prompts: does a picture show what its prompt asks for?"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from sfr_core.data.concepts import PromptPlan
from sfr_core.errors import AssetError
from sfr_core.nets.judge import Judge, Verdict


class PromptJudge:
    """A judge with named classes, and which of them fulfil the prompts of a plan.

    Args:
        judge: of pictures.
        names: of its classes, in the order of their numbers.
        plan: prompts with the names that fulfil them (`Prompt.shows`).

    Attributes:
        fulfils: [prompts, classes], true where a picture of the class is what the prompt asks for.

    Raises:
        AssetError: a prompt is fulfilled by a class that the judge does not have.
    """

    def __init__(self, judge: Judge, names: tuple[str, ...], plan: PromptPlan) -> None:
        self.judge, self.names, self.plan = judge, names, plan
        self.fulfils = np.zeros((len(plan.prompts), len(names)), bool)
        for i, prompt in enumerate(plan.prompts):
            for name in prompt.shows:
                if name not in names:
                    raise AssetError(
                        f"The judge has no class '{name}', which '{prompt.text}' asks for.",
                        hint="Make judge and list of concepts by the same recipe.",
                    )
                self.fulfils[i, names.index(name)] = True

    def __call__(self, pixels: torch.Tensor) -> Verdict:
        """The judge's own verdict on pictures [n, c, h, w] in 0 to 1."""
        return self.judge(pixels)

    def none(self, verdict: Verdict) -> NDArray[np.bool_]:
        """True where no class is accepted, [n]."""
        return verdict.labels >= len(self.names)

    def accepted(self, verdict: Verdict, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which prompt each picture fulfils, [n]: its own (`labels` [n]) where it does, else the first that
        it would fulfil, -1 where it fulfils none.
        """
        out = np.full(len(labels), -1, np.int64)
        for row, (label, found) in enumerate(zip(labels, verdict.labels, strict=True)):
            if found < len(self.names):
                right = np.flatnonzero(self.fulfils[:, found])
                out[row] = label if self.fulfils[label, found] else right[0] if len(right) else -1
        return out

    def plain(self, verdict: Verdict, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True where the best class, whatever the doubt, is what was asked for, [n]."""
        found: NDArray[np.bool_] = self.fulfils[labels, verdict.plain]
        return found


def prompt_judge(judge: Judge, plan: PromptPlan) -> PromptJudge | None:
    """The judge of a plan's prompts; None where no class of the judge is what the concept's own prompts ask for.

    Raises:
        AssetError: a prompt is fulfilled by a class that the judge does not have.
    """
    found = PromptJudge(judge, judge.names, plan)
    return found if found.fulfils[plan.labels("direct")].any() else None
