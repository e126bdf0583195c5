"""A classifier of a visitor's own as the page opens it: a side job with its pictures as steps, and what is said of the outcome. No gradio."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from demos.jobs import side_jobs
from demos.jobs.side_jobs import SideJob
from demos.render import bar, form_alert, form_note
from demos.text import unlearn as copy
from sfr_core.cancel import CancelToken
from sfr_core.metrics.intervals import knows
from sfr_core.metrics.thresholds import LITTLE
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import ModelCard

DEADLINE = 120.0
"""Seconds that one opening may take."""
TOGETHER = 2
"""Openings at a time; each holds its pictures in memory while it reads them."""
STEPS = 1000
Progress = Callable[[int, int], None]
Opener = Callable[[CancelToken, Progress], ModelCard]
"""Opens, and asks and tells between two pictures."""
T = TypeVar("T")
_slots = threading.BoundedSemaphore(TOGETHER)


def opening(opener: Callable[[CancelToken, Progress], T]) -> SideJob[T]:
    """Opens uploads in a thread; runs and other visitors do not wait for it."""
    read = [0]

    def progress(done: int, total: int) -> None:
        read[0] = STEPS * done // max(1, total)

    worker = side_jobs.threaded(lambda token: opener(token, progress), lambda: read[0])
    return side_jobs.start(_slots, worker, ("upload",), STEPS, deadline=DEADLINE, advice=copy.UPLOAD_ADVICE)


def progress_html(job: SideJob[T]) -> str:
    """A bar with the share of the pictures that is read, or that it waits."""
    if job.state == "waiting":
        return form_note(copy.UPLOAD_WAITING)
    text = copy.UPLOAD_CHECKING if job.done >= STEPS else copy.UPLOAD_READING
    return bar(copy.UPLOAD_TITLE, job.done, STEPS) + form_note(text, status=True)


def ended_html(job: SideJob[ModelCard]) -> str:
    """How it ended."""
    if job.outcomes:
        (card,) = job.outcomes.values()
        return opened_html(card)
    return failed_html(job)


def failed_html(job: SideJob[T]) -> str:
    """Why it opened nothing."""
    if job.state == "failed":
        return form_alert(job.error)
    if job.state == "late":
        return form_alert(copy.UPLOAD_LATE.format(time=copy.duration(DEADLINE)))
    return form_note(copy.UPLOAD_STOPPED, status=True)


def opened_html(card: ModelCard) -> str:
    """What was opened, how its pictures were read, and how many of them it recognises."""
    data = zoo.open_dataset(card)
    height, width = data.train.images.shape[1:3]
    text = copy.UPLOAD_DONE.format(
        classes=len(data.class_names),
        train=len(data.train),
        test=len(data.test),
        height=height,
        width=width,
        parameters=copy.count(card.parameters),
    )
    return form_note(text, status=True) + pictures_html(card)


def pictures_html(card: ModelCard) -> str:
    """How the pictures of a visitor's classifier were read, how many of them it recognises, and what to check where they are few; "" of
    other models.
    """
    if not card.id.startswith(zoo.OWN):
        return ""
    notes = "".join(form_note(note) for note in zoo.open_dataset(card).notes)
    return notes + _recognised_html(card)


def _recognised_html(card: ModelCard) -> str:
    known = zoo.brought(card.id).recognised
    text = copy.RECOGNISED.format(share=f"{known.share:.0f}", n=known.n)
    if strange(card):
        return form_alert(f"{text} {copy.RECOGNISED_NONE} {copy.RECOGNISED_CHECK}")
    return form_note(f"{text} {copy.RECOGNISED_CHECK}" if known.share < LITTLE else text)


def strange(card: ModelCard) -> bool:
    """Whether this is a visitor's classifier that hardly recognises its own training pictures."""
    if not card.id.startswith(zoo.OWN):
        return False
    known = zoo.brought(card.id).recognised
    return not knows(known.share, known.n, known.classes)
