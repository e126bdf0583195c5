"""A visitor's own classifier on the page: what is asked for, how it is checked, and where its files stay meanwhile."""

from __future__ import annotations

import atexit
import re
import secrets
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from demos.jobs import hardware
from demos.render import form_note
from demos.text import unlearn as copy
from sfr_core.errors import AssetError, InputError
from sfr_core.zoo import shipped as zoo

Component = gr.components.Component
PLAIN = re.compile(r"(torchvision|timm):[A-Za-z0-9_]{1,60}")
"""The only texts that go on: no arguments, and above all nothing that could be a path."""
NAMES = [
    "torchvision:resnet18",
    "torchvision:resnet34",
    "torchvision:mobilenet_v3_small",
    "torchvision:shufflenet_v2_x0_5",
    "torchvision:efficientnet_b0",
    "torchvision:convnext_tiny",
    "torchvision:swin_t",
]
SMALLEST, LARGEST = 8, 224
"""Pixels of a picture's side."""
FILE_BYTES = 100 * 1000**2
"""Of either file; app_builder lets no larger one through."""
PICTURE_BYTES = 256 * 1024**2
"""Of all pictures unpacked; zoo.VISITORS_BYTES limits what all visitors' sets take together."""
CLASSES = 200


@dataclass(frozen=True, slots=True)
class OwnPart:
    """Components; no button and no inputs where the machine cannot do it."""

    note: gr.HTML
    button: gr.Button | None = None
    inputs: tuple[Component, ...] = ()


def build() -> OwnPart:
    """Draws the folded part."""
    with gr.Accordion(copy.OWN_TITLE, open=False, elem_id="own"):
        if hardware.on_zerogpu():
            return OwnPart(gr.HTML(form_note(copy.OWN_ZERO), elem_id="own-note"))
        about = copy.OWN_ABOUT.format(kept=zoo.VISITORS_KEPT, bytes=copy.size(zoo.VISITORS_BYTES))
        gr.HTML(form_note(about))
        size = copy.size(FILE_BYTES)
        with gr.Row():
            data = gr.File(
                label=copy.OWN_DATA.format(size=size),
                file_types=[".zip"],
                height=120,
                min_width=150,
                elem_id="own-data",
                elem_classes="pg-file",
            )
            weights = gr.File(
                label=copy.OWN_WEIGHTS.format(size=size),
                file_types=[".safetensors"],
                height=120,
                min_width=150,
                elem_id="own-weights",
                elem_classes="pg-file",
            )
        with gr.Row():
            name = gr.Dropdown(
                NAMES,
                value=NAMES[0],
                label=copy.OWN_ARCHITECTURE,
                info=copy.OWN_ARCHITECTURE_INFO,
                allow_custom_value=True,
                min_width=200,
                elem_id="own-architecture",
            )
            side = gr.Number(
                None,
                precision=0,
                label=copy.OWN_SIZE,
                info=copy.OWN_SIZE_INFO,
                min_width=130,
                elem_id="own-size",
            )
        button = gr.Button(copy.OWN_OPEN, elem_id="own-open")
        note = gr.HTML("", elem_id="own-note")
    return OwnPart(note, button, (data, weights, name, side))


def read_name(name: Any, size: Any) -> str:
    """The architecture of the two fields as `open_uploaded` reads it.

    Raises:
        InputError: anything but a plain name of torchvision or timm, or a size out of range.
    """
    text = name.strip() if isinstance(name, str) else ""
    if not PLAIN.fullmatch(text):
        raise InputError(copy.OWN_BAD_NAME, hint=copy.OWN_BAD_NAME_HINT)
    if size is None or (size == 0 and not isinstance(size, bool)):  # gradio sends 0 for an empty box
        return text
    if isinstance(size, bool) or not isinstance(size, int | float) or size not in range(SMALLEST, LARGEST + 1):
        raise InputError(copy.OWN_BAD_SIZE.format(low=SMALLEST, high=LARGEST), hint=copy.OWN_BAD_SIZE_HINT)
    return f"{text}?size={int(size)}"


def open_files(data: Any, weights: Any, name: Any, size: Any) -> zoo.ModelCard:
    """Opens what was uploaded, under an identifier that nobody can guess.

    Args:
        data, weights: paths that gradio gave the uploads; None where there is none.
        name, size: see `read_name`.

    Raises:
        InputError: something is missing, too large, damaged, or the parts do not fit.
    """
    architecture = read_name(name, size)
    for path, missing, suffix in ((data, copy.OWN_NO_DATA, ".zip"), (weights, copy.OWN_NO_WEIGHTS, ".safetensors")):
        if not isinstance(path, str) or Path(path).suffix.lower() != suffix:
            raise InputError(missing)
        if Path(path).stat().st_size > FILE_BYTES:
            raise _too_large(Path(path).name, FILE_BYTES)
    # Gradio clears its uploads away after an hour; a run may start later.
    folder = Path(tempfile.mkdtemp(prefix="playground-own-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        model = _open(Path(data), Path(weights), architecture, folder)
        zoo.take_in(model, leave=lambda: shutil.rmtree(folder, ignore_errors=True))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return model.card


def _open(data: Path, weights: Path, architecture: str, folder: Path) -> zoo.Brought:
    from sfr_core.zoo.uploaded import (
        open_uploaded,  # loads nothing heavy itself, but opening does: not before somebody asks
    )

    kept = folder / "weights.safetensors"  # no path of ours holds a visitor's text
    shutil.copyfile(weights, kept)
    model = open_uploaded(
        data, kept, architecture, model_id=f"{zoo.OWN}{secrets.token_hex(16)}", most_bytes=PICTURE_BYTES
    )
    check_classes(model)
    title = f"{plain(weights.stem)} ({architecture.partition('?')[0]})"
    return replace(model, card=replace(model.card, title=title, dataset=plain(data.stem)))


def check_classes(model: zoo.Brought, classes: int | None = None) -> None:
    """Refuses more classes than the page can show.

    Args:
        classes: at most; default CLASSES.

    Raises:
        AssetError: too many.
    """
    classes = CLASSES if classes is None else classes
    if len(model.dataset.class_names) > classes:
        raise AssetError(
            copy.OWN_TOO_MANY.format(n=len(model.dataset.class_names), most=classes), hint=copy.OWN_TOO_LARGE_HINT
        )


def plain(text: str) -> str:
    """A file's name as the card shows it."""
    return re.sub(r"[^\w .-]+", "_", text)[:40]


def _too_large(what: str, limit: int) -> AssetError:
    return AssetError(copy.OWN_TOO_LARGE.format(what=what, size=copy.size(limit)), hint=copy.OWN_TOO_LARGE_HINT)


def opened_html(card: zoo.ModelCard) -> str:
    """What was opened, in two sentences; never the same twice, so that the page takes notice."""
    data = zoo.open_dataset(card)
    height, width = data.train.images.shape[1:3]
    text = copy.OWN_DONE.format(
        classes=len(data.class_names),
        train=len(data.train),
        test=len(data.test),
        height=height,
        width=width,
        parameters=copy.count(card.parameters),
    )
    return form_note(text, model=card.id)
