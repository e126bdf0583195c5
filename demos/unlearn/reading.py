"""How the pictures of a visitor's own classifier are read: the folded fields, and what they say as arguments of an architecture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import quote

import gradio as gr

from demos.text import unlearn as copy
from sfr_core.configs.pictures import ClassOrder
from sfr_core.data.pictures import colour_of
from sfr_core.errors import InputError

NUMBER = re.compile(r"-?\d{1,4}(\.\d{1,12})?")
LONGEST = 60
"""Characters of a field."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Values of the fields as the browser sent them; as they are at first they change nothing.

    Attributes:
        order: how the folders are sorted. mean, std: a number, or three with commas; empty for those of the pictures.
        crop: share of the centre that is kept; empty stretches. background: a colour behind transparency.
    """

    order: Any = "alphabetical"
    mean: Any = ""
    std: Any = ""
    crop: Any = None
    background: Any = "white"

    def arguments(self) -> dict[str, str]:
        """The fields that say something, as `read_architecture` reads them.

        Raises:
            InputError: a value that cannot be.
        """
        if self.order not in get_args(ClassOrder):
            raise InputError(copy.READING_BAD_ORDER)
        found = {"class_order": "" if self.order == "alphabetical" else self.order}
        found |= {"mean": _numbers(self.mean, copy.READING_MEAN), "std": _numbers(self.std, copy.READING_STD)}
        if self.crop not in (None, 0):  # gradio sends 0 for an empty box
            if isinstance(self.crop, bool) or not isinstance(self.crop, int | float) or not 0 < self.crop <= 1:
                raise InputError(copy.READING_BAD_CROP, hint=copy.READING_BAD_CROP_HINT)
            found["crop"] = f"{self.crop:.6g}"
        behind = self.background.strip() if isinstance(self.background, str) else ""
        if behind not in ("", "white"):
            colour_of(behind[:LONGEST])
            found["background"] = quote(behind)
        return {name: value for name, value in found.items() if value}


def _numbers(value: Any, label: str) -> str:
    text = value.strip() if isinstance(value, str) else ""
    parts = [part.strip() for part in text.split(",")] if text else []
    if len(parts) not in (0, 1, 3) or not all(NUMBER.fullmatch(part) for part in parts):
        raise InputError(copy.READING_BAD_NUMBERS.format(label=label), hint=copy.READING_BAD_NUMBERS_HINT)
    return ",".join(parts)


def fields(prefix: str, *, visible: bool = True) -> tuple[gr.Accordion, list[Any]]:
    """Draws the folded group; its components in the order of `Reading`."""
    with gr.Accordion(copy.READING_TITLE, open=False, visible=visible, elem_id=f"{prefix}-reading") as part:
        order = gr.Radio(
            [(title, name) for name, title in copy.READING_ORDERS.items()],
            value="alphabetical",
            label=copy.READING_ORDER,
            interactive=True,
            elem_id=f"{prefix}-order",
        )
        with gr.Row():
            mean, std = (
                gr.Textbox(label=label, info=info, max_lines=1, max_length=LONGEST, interactive=True, min_width=150, elem_id=f"{prefix}-{part}")
                for part, label, info in (
                    ("mean", copy.READING_MEAN, copy.READING_MEAN_INFO),
                    ("std", copy.READING_STD, copy.READING_STD_INFO),
                )
            )  # fmt: skip
        with gr.Row():
            crop = gr.Number(
                None,
                label=copy.READING_CROP,
                info=copy.READING_CROP_INFO,
                interactive=True,
                min_width=150,
                elem_id=f"{prefix}-crop",
            )
            background = gr.Dropdown(
                [
                    (copy.READING_COLOURS[0], "white"),
                    (copy.READING_COLOURS[1], "black"),
                    (copy.READING_COLOURS[2], "grey"),
                ],
                value="white",
                label=copy.READING_BACKGROUND,
                info=copy.READING_BACKGROUND_INFO,
                allow_custom_value=True,
                interactive=True,
                min_width=150,
                elem_id=f"{prefix}-background",
            )
    return part, [order, mean, std, crop, background]
