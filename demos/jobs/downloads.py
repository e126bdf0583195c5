"""Models of the Hub as the page opens them: what is said before a download, and the download with its real bytes. No gradio."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TypeVar

from demos.jobs import side_jobs, warm
from demos.jobs.openings import pictures_html
from demos.jobs.side_jobs import SideJob
from demos.render import bar, form_alert, form_note, render
from demos.text import hub as words
from demos.text import unlearn as copy
from sfr_core.cancel import CancelToken
from sfr_core.hub.describe import SMALL, Description, describe
from sfr_core.hub.fetch import Watch
from sfr_core.hub.offers import offer_of
from sfr_core.hub.open import look_up, open_generator
from sfr_core.hub.resolve import HubModel
from sfr_core.kinds import KINDS
from sfr_core.nets.pipelines import CHECKER
from sfr_core.zoo.cards import ModelCard

LONGEST = 2 * 3600.0
"""Seconds that one download may take."""
T = TypeVar("T")
Opener = Callable[[Watch], ModelCard]
"""Downloads and opens, and tells of every piece of the download in bytes."""
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked up.

    Attributes:
        free: bytes of memory on the device that a run would take; None where the system does not tell.
        on_gpu: whether that device is a GPU, where a run is in half precision.
    """

    description: Description
    free: int | None
    on_gpu: bool = False

    @property
    def model(self) -> HubModel:
        return self.description.model

    @property
    def smallest(self) -> int | None:
        """Bytes that forgetting by steps takes at least: sparing, without a mask, the optimiser with the smallest states, and of a
        text-to-image model only what reads a prompt; None for a classifier whose network or size of pictures nobody tells."""
        if not self.description.measured:
            return None
        return self.description.smallest(on_gpu=self.on_gpu).total

    @property
    def too_large(self) -> bool:
        """Whether that does not fit into the memory that is free just now."""
        return self.smallest is not None and self.free is not None and self.smallest > self.free

    @property
    def openable(self) -> bool:
        """Whether downloading it would be of any use here."""
        return not self.model.pickles and not self.needs_timm

    @property
    def needs_timm(self) -> bool:
        """Whether its network is one of timm, which is not installed here."""
        return "architecture" in self.model.config and find_spec("timm") is None


def look(name: str) -> Found:
    """Looks a model up without downloading its weights.

    Raises:
        HubError: as `sfr_core.hub.look_up` and `describe`.
    """
    model = look_up(name)
    warm.load(diffusers=True)
    from sfr_core.ops import device

    description = describe(model)
    place = device.pick_device("auto")
    return Found(description, device.free_bytes(place), place.type == "cuda")


def found_html(found: Found) -> str:
    """Licence, sizes and memory, each by name, and what stands in the way."""
    model, described = found.model, found.description
    offer = offer_of(model.name)
    facts = [
        (words.KIND, KINDS[model.kind].title),
        (words.LICENCE, model.licence + (words.GATED if model.gated else "")),
        (words.REVISION, model.name.revision[:12]),
        (words.DOWNLOAD, _download(described)),
        (words.WEIGHTS, words.WEIGHTS_ARE.format(trained=copy.count(described.trained), still=copy.count(described.still))),
    ]  # fmt: skip
    if CHECKER in model.absent:
        facts.append((words.CHECKER, words.CHECKER_ABSENT))
    if described.measured:
        # The numbers by which a run is refused or let through (sfr_core/hub/describe.py), for what the form shows at first.
        plain = copy.size(described.first(on_gpu=found.on_gpu).total)
        if described.spares:
            spare, small = (
                copy.size(described.first(spare=True, on_gpu=found.on_gpu, **changes).total) for changes in ({}, SMALL)
            )
            facts.append((words.MEMORY, words.MEMORY_IS.format(plain=plain, spare=spare)))
            facts.append((words.MEMORY_PROMPT if described.cross_attention else words.MEMORY_SMALL, small))
        else:
            facts.append((words.MEMORY, words.MEMORY_PLAIN.format(plain=plain)))
    if not KINDS[model.kind].draws:
        facts.append((words.FOLDERS, words.FOLDERS_ARE))
    if found.free is not None:
        facts.append((words.FREE, copy.size(found.free)))
    hindrance, command = _hindrance(found)
    return render(
        "hub_found.html",
        title=model.name.repo if offer is None else offer.title,
        about="" if offer is None else offer.about,
        facts=facts,
        hindrance=hindrance,
        command=command,
    )


def _download(described: Description) -> str:
    whole = copy.size(described.model.bytes)
    if not described.missing:
        return words.HERE.format(size=whole)
    missing = copy.size(described.missing)
    return whole if missing == whole else words.PARTLY.format(size=whole, missing=missing)


def _hindrance(found: Found) -> tuple[str, str]:
    """What stands in the way, and the command that helps; "" where nothing does."""
    if found.model.pickles:
        return words.PICKLES, f"python -m sfr_core convert {found.model.id}"
    if found.needs_timm:
        return words.TIMM, ""
    if found.too_large and found.smallest is not None and found.free is not None:
        return words.TOO_LARGE.format(need=copy.size(found.smallest), free=copy.size(found.free)), ""
    return "", ""


def download(found: Found, opener: Opener | None = None) -> SideJob[ModelCard]:
    """Downloads and opens a model, see `fetching`.

    Args:
        opener: of a classifier, with its pictures; default: the pipeline is opened under its own identifier.
    """
    model = found.model
    return fetching(model.id, opener or (lambda watch: open_generator(model, watch)), found.description.missing)


def fetching(name: str, fetch: Callable[[Watch], T], missing: int) -> SideJob[T]:
    """Downloads in a thread; its steps are kilobytes. One download at a time in a process.

    Args:
        name: whose outcome it is. fetch: tells of every piece of the download in bytes. missing: bytes to come.
    """

    pieces = [0]

    def work(token: CancelToken) -> T:
        def watch(n: int) -> None:
            token.check()
            pieces[0] += n

        return fetch(watch)

    worker = side_jobs.threaded(work, lambda: pieces[0] // 1000)
    total = max(1, missing // 1000)
    return side_jobs.start(_one_at_a_time, worker, (name,), total, deadline=LONGEST, advice=words.ADVICE)


def progress_html(job: SideJob[T], title: str = words.TITLE) -> str:
    """A bar with the real bytes, or that it waits; `title` names the bar."""
    if job.state == "waiting":
        return form_note(words.WAITING)
    done = min(job.done, job.steps)
    text = words.CHECKING if done == job.steps else words.PROGRESS.format(
        done=copy.size(1000 * done), total=copy.size(1000 * job.steps)
    )  # fmt: skip
    return bar(title, done, job.steps) + form_note(text, status=True)


def ended_html(job: SideJob[ModelCard]) -> str:
    """How a download ended."""
    if job.state != "done":
        return unfinished_html(job)
    (card,) = job.outcomes.values()
    return form_note(words.OPENED.format(title=card.title), status=True) + pictures_html(card)


def unfinished_html(job: SideJob[T]) -> str:
    """Why a download ended before all was here."""
    if job.state == "failed":
        return form_alert(job.error)
    return form_note(words.LATE if job.state == "late" else words.STOPPED, status=True)
