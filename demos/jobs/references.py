"""Networks that visitors retrained elsewhere and uploaded, each for one classifier of theirs and one forget set. No gradio, no torch.

Whoever knows the classifier's identifier finds them, and nobody can guess that.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sfr_core.cancel import CancelToken
from sfr_core.plan import RunPlan
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.recognition import Recognised

if TYPE_CHECKING:
    from sfr_core.runs.session import Retrained

KEPT = zoo.VISITORS_KEPT
"""Of all visitors; each holds its weights in memory, so the oldest goes first."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """One of them: the name of its file, its weights, and what it recognises of the classifier's training pictures."""

    name: str
    retrained: Retrained
    known: Recognised


_kept: OrderedDict[tuple[str, str], Uploaded] = OrderedDict()
_lock = threading.Lock()


def take_in(path: Path, run: RunPlan, cancel: CancelToken) -> Uploaded:
    """Reads an upload and keeps it for every run that forgets the same of the same classifier.

    Raises:
        InputError: the classifier is not open any more, or the file is none for it (runs/reference.py). Stopped: `cancel`.
    """
    from sfr_core.runs.reference import read_reference

    retrained, known = read_reference(path, zoo.brought(run.card.id), run, cancel)
    cancel.check()  # nobody waits for it any more
    found = Uploaded(path.name, retrained, known)
    with _lock:
        _kept.pop(_key(run), None)
        _kept[_key(run)] = found
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found


def of(run: RunPlan) -> Uploaded | None:
    """What was uploaded for the classifier and forget set of a run; None where nothing was."""
    with _lock:
        return _kept.get(_key(run))


def take_away(run: RunPlan) -> bool:
    """Forgets what was uploaded for the classifier and forget set of a run; False where nothing was."""
    with _lock:
        return _kept.pop(_key(run), None) is not None


def _key(run: RunPlan) -> tuple[str, str]:
    return run.card.id, run.forget.spec.text
