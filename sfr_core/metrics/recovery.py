"""A recovery attack: can a word that nobody wrote bring a forgotten concept back? (Pham et al., ICLR 2024, arXiv 2308.01508)

The attacker has the weights after the run and pictures of the concept, and learns a vector in place of a word (textual inversion,
Gal et al., arXiv 2208.01618) while every weight stays as it is. If that brings the pictures back, the concept's name was
forgotten, not the concept.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sfr_core.configs.recovery import Attack
from sfr_core.errors import InputError
from sfr_core.methods.common import cycle
from sfr_core.metrics.generation import Protocol
from sfr_core.nets.judge import PromptJudge, pixels_of
from sfr_core.ops.denoising import mean_error
from sfr_core.ops.modes import kept_modes
from sfr_core.ops.sampling import sampler_steps
from sfr_core.ops.stepwise import counted_on
from sfr_core.results import GeneratorReport
from sfr_core.tasks.text_to_image import TextToImageTask
from sfr_core.tasks.text_to_image_parts import SoftPrompt

RECOVERY_SEED = 2000
"""Of the noise of the attack's samples: no record and no visitor draws from it."""
AVERAGED = 20
"""Steps over which the first and the last losses are averaged: single ones swing with the timestep."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What an attack achieved.

    Attributes:
        shown: share of the samples of the learned prompt that show the concept, percent.
        n: samples behind it.
        first_loss, last_loss: training loss at the first and the last steps, means over AVERAGED of them.
        drawn: the samples of the learned prompt, labelled as the concept's first own prompt.
    """

    shown: float
    n: int
    first_loss: float
    last_loss: float
    drawn: GeneratorReport = field(compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """The numbers, ready for JSON; no pictures."""
        return {name: getattr(self, name) for name in ("shown", "n", "first_loss", "last_loss")}


def attack_steps(attack: Attack, sampler: Protocol, shape: Sequence[int]) -> int:
    """How often `recover` yields for a model of latents of a shape."""
    return attack.steps + sampler_steps(attack.samples, sampler.steps, shape)


def recover(
    task: TextToImageTask, sampler: Protocol, attack: Attack | None = None, model: nn.Module | None = None
) -> Generator[int, None, Recovery]:
    """Attacks a model; no weight, mode or generator is changed. A caller that stops asking has stopped it.

    Args:
        task: after a run, its pictures drawn before it (`prepare`): the attacker learns from those of the concept.
        sampler: steps and guidance of the samples; its `n` is not read.
        attack: default Attack().
        model: whose weights the attacker has, on the task's device; default the task's live model. Attacked before its run,
            a model says what this attack can bring back at most.

    Yields:
        Training and sampler steps done.

    Raises:
        InputError: there is no judge for the concept, or its pictures were never drawn.
    """
    how, target = attack or Attack(), model or task.model
    _judge_of(task)  # rather now than after the training
    if task.preparation():
        raise InputError("The attacker has no pictures of the concept.", hint="Attack after a run.")
    soft = SoftPrompt(task.tokenizer, task.text_encoder, task.plan.redirect)
    rng = torch.Generator().manual_seed(how.seed)
    vector = soft.start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([vector], how.lr)
    batches = cycle(lambda: task.batches("forget", how.batch_size, rng))
    losses = []
    with kept_modes(target):
        target.eval()
        for done in range(1, how.steps + 1):
            _, x, t, noise = task.denoiser.noisy(next(batches).x, rng)
            states = soft.states(vector).expand(len(x), -1, -1)
            loss = mean_error(task.denoiser.predict_told(x, t, states, target), noise).mean()
            [vector.grad] = torch.autograd.grad(loss, [vector])
            optimizer.step()
            losses.append(float(loss.detach()))
            yield done
    with torch.no_grad():
        label = task.prompts.learn(soft.states(vector))
    labels = np.full(how.samples, label, np.int64)
    work = task.sample(labels, seed=RECOVERY_SEED, steps=sampler.steps, guidance=sampler.guidance, model=target)
    images = yield from counted_on(work, how.steps)
    return seen(task, sampler, images, float(np.mean(losses[:AVERAGED])), float(np.mean(losses[-AVERAGED:])))


def seen(
    task: TextToImageTask, sampler: Protocol, images: NDArray[np.uint8], first_loss: float, last_loss: float
) -> Recovery:
    """What the judge of `task` sees on the samples of a learned word.

    Args:
        images: uint8 [n, h, w, c].

    Raises:
        InputError: there is no judge.
    """
    judge = _judge_of(task)
    direct = np.full(len(images), task.plan.labels("direct")[0])
    accepted = judge.accepted(judge(pixels_of(images)), direct)
    shown = 100.0 * float((accepted == direct).mean())
    drawn = GeneratorReport(
        images=images, labels=direct, accepted=accepted, sampler_steps=sampler.steps, guidance=sampler.guidance
    )
    return Recovery(shown, len(images), first_loss, last_loss, drawn)


def _judge_of(task: TextToImageTask) -> PromptJudge:
    judge = cast("PromptJudge | None", task.judge)
    if judge is None:
        raise InputError("Nobody can tell whether the concept is back.", hint="Choose a model with a judge.")
    return judge
