"""The page's Blocks: whatever goes wrong behind a button, whoever pressed it gets a sentence and the server's log one entry."""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr

from demos.context import Refusal, say
from demos.jobs.side_jobs import failure
from demos.text import unlearn as copy
from sfr_core.errors import InputError, PlaygroundError, RunError

LOG = logging.getLogger(__name__)


class GuardedBlocks(gr.Blocks):
    """Blocks of which no event ends in silence, those of parts that are drawn later included.

    A refusal is one line in the log, without what the visitor sent; what nobody foresaw is there with its traceback, once.
    """

    async def process_api(self, block_fn: Any, *args: Any, **kwargs: Any) -> Any:
        """As Gradio's, whose page says nothing of an error that is no gr.Error."""
        try:
            return await super().process_api(block_fn, *args, **kwargs)
        except Exception as error:
            found = refusal(error)
            LOG.warning("%s: %s", getattr(block_fn, "name", None) or "an event", found.kind)
            raise found from None

    async def preprocess_data(self, *args: Any, **kwargs: Any) -> Any:
        """As Gradio's; what a component does not take was no choice of this page."""
        try:
            return await super().preprocess_data(*args, **kwargs)
        except Exception as error:
            raise InputError(copy.NOT_TAKEN, hint=copy.NOT_TAKEN_HINT) from error


def refusal(error: Exception) -> Refusal:
    """What the page says of an error; what nobody foresaw is logged."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, PlaygroundError):
        return say(error)
    return say(RunError(unforeseen(error)))


def unforeseen(error: Exception) -> str:
    """The sentence on an error that may be anything; logs it."""
    return failure(
        error, what=copy.UNFORESEEN, advice=copy.UNFORESEEN_ADVICE, memory=f"{copy.NO_MEMORY} {copy.UNFORESEEN_ADVICE}"
    )
