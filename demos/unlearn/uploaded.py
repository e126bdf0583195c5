"""A classifier that a visitor uploads: what is asked for, how it is checked, and where its files stay meanwhile."""

from __future__ import annotations

import atexit
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from demos.context import drawn_once, say
from demos.jobs import hardware
from demos.render import form_note
from demos.text import unlearn as copy
from demos.unlearn.form import Form
from sfr_core.errors import AssetError, InputError, PlaygroundError
from sfr_core.zoo import shipped as zoo

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


def build(form: Callable[[], Form]) -> None:
    """The folded part, drawn when it is opened. `form`: what an opened classifier is chosen in."""
    with gr.Accordion(copy.UPLOAD_TITLE, open=False, elem_id="upload") as part:
        if hardware.on_zerogpu():
            gr.HTML(form_note(copy.UPLOAD_ZERO), elem_id="upload-note")
        else:
            drawn_once(part.expand, lambda: draw(form()))


def draw(form: Form) -> None:
    """The fields of the part and its button."""
    about = copy.UPLOAD_ABOUT.format(kept=zoo.VISITORS_KEPT, bytes=copy.size(zoo.VISITORS_BYTES))
    gr.HTML(form_note(about))
    with gr.Row():
        data = file_field(copy.UPLOAD_DATA, ".zip", elem_id="upload-data")
        weights = file_field(copy.UPLOAD_WEIGHTS, ".safetensors", elem_id="upload-weights")
    with gr.Row():
        name = gr.Dropdown(
            NAMES,
            value=NAMES[0],
            label=copy.UPLOAD_ARCHITECTURE,
            info=copy.UPLOAD_ARCHITECTURE_INFO,
            allow_custom_value=True,
            interactive=True,
            min_width=200,
            elem_id="upload-architecture",
        )
        side = gr.Number(
            None,
            precision=0,
            label=copy.UPLOAD_SIZE,
            info=copy.UPLOAD_SIZE_INFO,
            interactive=True,
            min_width=130,
            elem_id="upload-size",
        )
    button = gr.Button(copy.UPLOAD_OPEN, elem_id="upload-open")
    note = gr.HTML("", elem_id="upload-note")

    def open_upload(data: Any, weights: Any, name: Any, size: Any, *choices: Any) -> dict[Any, Any]:
        try:
            card = open_files(data, weights, name, size)
        except PlaygroundError as error:
            raise say(error) from None
        return {**form.with_model(card.id, *choices), note: opened_html(card)}

    # Queued, or the page would not show the sentence of an error; one at a time, for reading a zip takes memory.
    button.click(
        open_upload,
        [data, weights, name, side, *form.choices],
        [*form.of_model, note],
        api_visibility="private",
        show_progress="minimal",
        show_progress_on=button,
        concurrency_limit=1,
    )


def file_field(label: str, suffix: str, **given: Any) -> gr.File:
    """Where one file goes up; its label says how large it may be."""
    return gr.File(
        label=label.format(size=copy.size(FILE_BYTES)),
        file_types=[suffix],
        height=120,
        min_width=150,
        elem_classes="pg-file",
        interactive=True,
        **given,
    )


def read_name(name: Any, size: Any) -> str:
    """The architecture of the two fields as `open_uploaded` reads it.

    Raises:
        InputError: anything but a plain name of torchvision or timm, or a size out of range.
    """
    text = name.strip() if isinstance(name, str) else ""
    if not PLAIN.fullmatch(text):
        raise InputError(copy.UPLOAD_BAD_NAME, hint=copy.UPLOAD_BAD_NAME_HINT)
    if size is None or (size == 0 and not isinstance(size, bool)):  # gradio sends 0 for an empty box
        return text
    if isinstance(size, bool) or not isinstance(size, int | float) or size not in range(SMALLEST, LARGEST + 1):
        raise InputError(copy.UPLOAD_BAD_SIZE.format(low=SMALLEST, high=LARGEST), hint=copy.UPLOAD_BAD_SIZE_HINT)
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
    for path, missing, suffix in (
        (data, copy.UPLOAD_NO_DATA, ".zip"),
        (weights, copy.UPLOAD_NO_WEIGHTS, ".safetensors"),
    ):
        if not isinstance(path, str) or Path(path).suffix.lower() != suffix:
            raise InputError(missing)
        if Path(path).stat().st_size > FILE_BYTES:
            text = copy.UPLOAD_TOO_LARGE.format(what=Path(path).name, size=copy.size(FILE_BYTES))
            raise AssetError(text, hint=copy.UPLOAD_TOO_LARGE_HINT)
    # Gradio clears its uploads away after an hour; a run may start later.
    folder = Path(tempfile.mkdtemp(prefix="playground-upload-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        model = _open(Path(data), Path(weights), architecture, folder)
        zoo.take_in(model, leave=lambda: shutil.rmtree(folder, ignore_errors=True))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return model.card


def _open(data: Path, weights: Path, architecture: str, folder: Path) -> zoo.Brought:
    # Loads nothing heavy itself, but opening does: not before somebody asks.
    from sfr_core.zoo.uploaded import open_uploaded

    kept = folder / "weights.safetensors"  # no path of ours holds a visitor's text
    shutil.copyfile(weights, kept)
    model = open_uploaded(
        data, kept, architecture, model_id=f"{zoo.OWN}{secrets.token_hex(16)}", most_bytes=PICTURE_BYTES
    )
    check_classes(model, CLASSES)
    title = f"{plain(weights.stem)} ({architecture.partition('?')[0]})"
    return replace(model, card=replace(model.card, title=title, dataset=plain(data.stem)))


def check_classes(model: zoo.Brought, most: int) -> None:
    """Refuses more classes than the page can show.

    Raises:
        AssetError: too many.
    """
    n = len(model.dataset.class_names)
    if n > most:
        raise AssetError(copy.UPLOAD_TOO_MANY.format(n=n, most=most), hint=copy.UPLOAD_TOO_LARGE_HINT)


def plain(text: str) -> str:
    """A file's name as the card shows it."""
    return re.sub(r"[^\w .-]+", "_", text)[:40]


def opened_html(card: zoo.ModelCard) -> str:
    """What was opened, in two sentences."""
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
    return form_note(text)
