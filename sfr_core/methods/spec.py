"""What the program knows of a method without importing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from sfr_core.configs import MethodConfig
from sfr_core.events import Event

Method = Callable[..., Iterator[Event]]
"""``method(task, config, *, rng: torch.Generator, cancel: CancelToken)``: changes ``task.model`` in place and speaks in events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSpec:
    """One row of the table.

    Attributes:
        id: key in its table, on the command line and in links.
        title, summary: name and one sentence for people.
        config_cls: its hyper-parameters.
        function: "module:name" of the method, imported on first use.
        requires: protocols of tasks/base.py that the task must have beside Task.
        paper: citation.
        parts: its row in the paper's unifying table, by "mask", "forgetting", "remaining", "manifold"; "" where it has none.
    """

    id: str
    title: str
    summary: str
    config_cls: type[MethodConfig]
    function: str
    requires: tuple[str, ...] = ()
    paper: str
    parts: dict[str, str]

    @property
    def run(self) -> Method:
        """The method itself; the first access imports torch."""
        module, _, name = self.function.partition(":")
        method: Any = getattr(import_module(module), name)
        return method  # type: ignore[no-any-return]
