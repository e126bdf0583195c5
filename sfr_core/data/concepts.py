"""What a text-to-image model can be asked to forget: its list of concepts, and the prompts of a run.

A model's folder may hold `concepts.json`, a table with

- `neutral`: prompts that ask for nothing in particular, the first of them the usual redirection;
- `free_forget` and `free_remain`, where they differ from FREE_FORGET and FREE_REMAIN;
- `concepts`: a list of tables with `name`, `kind` (object, category or style), `shows` (classes of the judge that count as
  this concept), `direct` (prompts that ask for it), `paraphrases` (the same in other words, never trained on), `neighbours`
  (names of concepts that are like it), and where it differs from the usual `redirect` (a prompt), `redirects` (a prompt for each
  direct one, where each has its own), `others` (names of the distant concepts; default: all whose `shows` differ), `offered` (false: only a neighbour or a distant concept of others) and `adult`
  (true: left out on a public page);
- `open` (true: the model takes any other text too, but on a public page, which so becomes `fixed`).

Label i of a run means prompt i of its `PromptPlan`, so that sheets, records and comparisons of classes show prompts unchanged.
No torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sfr_core.data.class_sets import evenly
from sfr_core.data.public import public_mode
from sfr_core.data.splits import ForgetSpec, Split
from sfr_core.errors import AssetError, SpecError, UnknownName, reason

FILE = "concepts.json"
ConceptKind = Literal["object", "category", "style"]
Role = Literal["direct", "paraphrase", "neighbour", "other"]
TEMPLATES = ("{}", "a picture of {}", "a photo of {}")
"""Direct prompts of a concept that no list explains."""
NEUTRAL = ("a picture", "a photo", "a photo of a person", "a photo of a landscape", "a drawing of a house")
"""Prompts to keep for a model without a list."""
PREVIEWED: dict[Role, int] = {"direct": 2, "paraphrase": 1, "neighbour": 2, "other": 3}
"""Prompts in a preview, by role: 32 pictures."""
NEIGHBOURS_ASKED = 8
OTHERS_ASKED = 12
"""Concepts in a record of either kind; of more, every k-th."""
FREE_FORGET = 96
FREE_REMAIN = 288
"""Pictures that a model draws of itself before a run."""
REDIRECT_SHARE = 1 / 6
"""Share of the remain pictures that show what the redirection asks for (the published runs have no others)."""
SHOWN_BEFORE = 0.8
"""A paraphrase counts where at least so many of the original model's pictures show the concept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One entry of the list; see the head of this file."""

    name: str
    kind: ConceptKind
    shows: tuple[str, ...]
    direct: tuple[str, ...]
    paraphrases: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    others: tuple[str, ...] | None = None
    redirect: str = ""
    redirects: tuple[str, ...] = ()
    offered: bool = True
    adult: bool = False


@dataclass(frozen=True, slots=True)
class Concepts:
    """A model's list; see the head of this file."""

    neutral: tuple[str, ...] = NEUTRAL
    concepts: tuple[Concept, ...] = ()
    free_forget: int = FREE_FORGET
    free_remain: int = FREE_REMAIN
    open: bool = False
    fixed: bool = False

    @property
    def offered(self) -> tuple[str, ...]:
        """Names that can be forgotten; empty where the model has no list and takes any text."""
        return tuple(concept.name for concept in self.concepts if concept.offered)

    def find(self, name: str) -> Concept:
        """The entry of this name, in any case.

        Raises:
            UnknownName: none.
        """
        found = {concept.name.casefold(): concept for concept in self.concepts}
        if name.casefold() not in found:
            raise UnknownName("concept", name, self.offered)
        return found[name.casefold()]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with a short name for people, and the judge's classes that fulfil it."""

    text: str
    name: str
    role: Role
    shows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptPlan:
    """The prompts of one run.

    Attributes:
        spec: what is forgotten; its `classes` are the labels of the direct prompts and paraphrases.
        prompts: what label i asks for: direct prompts, paraphrases, neighbours, others. Labels beyond them, in this order:
            the empty prompt, the redirection, then `kept`.
        redirect: prompt that is answered in place of the concept.
        redirects: prompt that is answered in place of each direct one; empty: all are answered like `redirect`.
        kept: further prompts that are trained on to be kept, those of `redirects` among them.
        free_forget, free_remain: pictures that the model draws of itself before a run: of the concept, and of everything
            else together.
    """

    spec: ForgetSpec
    prompts: tuple[Prompt, ...]
    redirect: str
    kept: tuple[str, ...]
    free_forget: int = FREE_FORGET
    free_remain: int = FREE_REMAIN
    redirects: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Short name of each label, as class names."""
        return tuple(prompt.name for prompt in self.prompts)

    @property
    def null(self) -> int:
        """Label of the empty prompt."""
        return len(self.prompts)

    @property
    def anchor(self) -> int:
        """Label of the redirection."""
        return self.null + 1

    @property
    def texts(self) -> tuple[str, ...]:
        """The prompt of every label, those beyond `prompts` included."""
        return (*(prompt.text for prompt in self.prompts), "", self.redirect, *self.kept)

    def labels(self, *roles: Role) -> NDArray[np.int64]:
        """Labels of the prompts with one of these roles, ascending."""
        return np.array([i for i, prompt in enumerate(self.prompts) if prompt.role in roles], np.int64)

    @property
    def targets(self) -> NDArray[np.int64]:
        """Label of the prompt that is answered in place of each direct one, in their order."""
        if not self.redirects:
            return np.full(len(self.labels("direct")), self.anchor, np.int64)
        first = self.anchor + 1
        return np.array([first + self.kept.index(text) for text in self.redirects], np.int64)

    @property
    def generated_labels(self) -> NDArray[np.int64]:
        """Labels of the pictures that the model draws before a run: the direct prompts, then what is to be kept.

        Paraphrases are never trained on: they tell whether a concept was forgotten or only its name.
        """
        kept = np.arange(self.anchor + 1, self.anchor + 1 + len(self.kept))
        redirected = max(1, round(REDIRECT_SHARE * self.free_remain)) if len(kept) else self.free_remain
        return np.concatenate(
            [
                _spread(self.labels("direct"), self.free_forget),
                _spread(np.unique(self.targets), redirected),
                _spread(kept, self.free_remain - redirected),
            ]
        )

    def previewed(self, most: int) -> NDArray[np.int64]:
        """Labels in a preview: the first of every role; where fewer are wanted, those to forget first, one of each other role at least."""
        shown = [self.labels(role)[:n] for role, n in PREVIEWED.items()]
        while sum(map(len, shown)) > most and len(longest := max(shown[1:], key=len)) > 1:
            shown = [rows[:-1] if rows is longest else rows for rows in shown]
        return np.concatenate(shown)

    @property
    def split(self) -> Split:
        """Rows of `generated_labels` to forget and to keep."""
        mine = np.isin(self.generated_labels, self.labels("direct"))
        return Split(self.spec, np.flatnonzero(mine).astype(np.int64), np.flatnonzero(~mine).astype(np.int64))


def _spread(labels: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """n of the labels in their order, each as often as any other, or evenly chosen where there are more than n."""
    return labels[np.arange(n if len(labels) else 0) * len(labels) // max(1, n)].astype(np.int64)


def read_concepts(folder: Path) -> Concepts:
    """The list of a model's folder; an empty one where it has none.

    Raises:
        AssetError: damaged, or it names concepts that it does not explain.
    """
    path = folder / FILE
    found = _listed(path) if path.exists() else Concepts()
    return _for_strangers(found) if public_mode() else found


def _listed(path: Path) -> Concepts:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        listed = tuple(_concept(values) for values in data.pop("concepts"))
        found = Concepts(tuple(data.pop("neutral")), listed, **data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AssetError(f"The list of concepts {path} cannot be read ({reason(error)}).", hint=_REMEDY) from None
    known = {concept.name for concept in found.concepts}
    for concept in found.concepts:
        strange = [name for name in (*concept.neighbours, *(concept.others or ())) if name not in known]
        if strange:
            raise AssetError(f"{path} does not explain '{strange[0]}', a relative of '{concept.name}'.", hint=_REMEDY)
    return found


def _for_strangers(concepts: Concepts) -> Concepts:
    """The list as a public page offers it: nothing for adults; where any text was welcome, none, and no other redirection."""
    kept = tuple(concept for concept in concepts.concepts if not concept.adult)
    return replace(concepts, concepts=kept, open=False, fixed=concepts.open or not concepts.concepts)


_REMEDY = "Fetch the repository again, or make the model anew with the recipe in its card."


def _concept(values: dict[str, Any]) -> Concept:
    lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    concept = Concept(**{**values, **lists})
    if concept.kind not in get_args(ConceptKind) or not concept.direct or not concept.name:
        raise ValueError(f"'{concept.name}' has no kind or no direct prompt")
    if concept.redirects and len(concept.redirects) != len(concept.direct):
        raise ValueError(
            f"'{concept.name}' has {len(concept.direct)} direct prompts and {len(concept.redirects)} redirects"
        )
    if own := set(concept.redirects) & {*concept.direct, *concept.paraphrases}:
        raise ValueError(f"'{concept.name}' is redirected to itself by '{min(own)}'")
    return concept


def plan_prompts(concepts: Concepts, spec: ForgetSpec, redirect: str = "") -> PromptPlan:
    """The prompts of a run that forgets `spec.concept`.

    Args:
        redirect: prompt to answer instead, whatever the direct prompt; "" takes the list's.

    Raises:
        UnknownName: the model's list has no such concept. SpecError: there is nothing to redirect to, or the redirection
            asks for the very concept.
    """
    concept = _explained(concepts, spec.concept)
    target = " ".join(redirect.split()) or concept.redirect or (concepts.neutral[0] if concepts.concepts else "")
    if concepts.fixed and redirect and target not in (concept.redirect, *concepts.neutral):
        raise SpecError("A public page takes no prompt of your own.", hint="Leave the redirection out.")
    if not target:
        raise SpecError("There is no prompt to redirect to.", hint='Give one, for example --redirect "a photo".')
    if target.casefold() in {text.casefold() for text in (*concept.direct, *concept.paraphrases, concept.name)}:
        raise SpecError(f"'{target}' asks for the very concept.", hint="Redirect to a prompt that does not name it.")
    near = [concepts.find(name) for name in concept.neighbours]
    far = _distant(concepts, concept)
    near_asked = [near[i] for i in evenly(np.arange(len(near)), NEIGHBOURS_ASKED)]
    far_asked = [far[i] for i in evenly(np.arange(len(far)), OTHERS_ASKED)]
    prompts = (
        *(Prompt(text, text, "direct", concept.shows) for text in concept.direct),
        *(Prompt(text, text, "paraphrase", concept.shows) for text in concept.paraphrases),
        *(Prompt(other.direct[0], other.name, "neighbour", other.shows) for other in near_asked),
        *(Prompt(other.direct[0], other.name, "other", other.shows) for other in far_asked),
    )
    if not far:
        prompts += tuple(Prompt(text, text, "other") for text in concepts.neutral if text != target)
    redirects = () if redirect.strip() else concept.redirects
    forgotten = {*concept.direct, *concept.paraphrases, target} - {*redirects}
    kept = [text for text in (*redirects, *concepts.neutral) if text not in forgotten]
    kept += [text for other in (*near, *far) for text in other.direct if text not in forgotten]
    gone = tuple(i for i, prompt in enumerate(prompts) if prompt.role in ("direct", "paraphrase"))
    named = ForgetSpec(text=f"concept:{concept.name}", concept=concept.name)
    return PromptPlan(
        replace(named, classes=gone),
        prompts,
        target,
        tuple(dict.fromkeys(kept)),
        concepts.free_forget,
        concepts.free_remain,
        redirects,
    )


def _explained(concepts: Concepts, name: str) -> Concept:
    """The list's entry, or for a model without a list one made from templates."""
    known = {concept.name.casefold() for concept in concepts.concepts}
    if (concepts.concepts or concepts.fixed) and (not concepts.open or name.casefold() in known):
        found = concepts.find(name)
        if not found.offered:
            raise UnknownName("concept", name, concepts.offered)
        return found
    return Concept(name=name, kind="object", shows=(), direct=tuple(template.format(name) for template in TEMPLATES))


def _distant(concepts: Concepts, concept: Concept) -> list[Concept]:
    """What has nothing to do with the concept: no neighbour, and (unless the list names them) no class in common."""
    if concept.others is not None:
        return [concepts.find(name) for name in concept.others]
    near = {concept.name, *concept.neighbours}
    return [
        other for other in concepts.concepts if other.name not in near and not set(other.shows) & set(concept.shows)
    ]
