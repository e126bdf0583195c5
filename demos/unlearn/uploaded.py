"""A classifier that a visitor uploads: what is asked for, how it is checked, and where its files stay meanwhile."""

from __future__ import annotations

import atexit
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from demos.context import QUEUED, QUICK, drawn_once, say
from demos.jobs import hardware, openings
from demos.jobs.openings import Opener, Progress
from demos.panel import SideJobs, followed
from demos.render import form_note
from demos.text import unlearn as copy
from demos.unlearn.form import Form
from demos.unlearn.reading import Reading, fields
from sfr_core.cancel import CancelToken
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
AS_USUAL = Reading()


def build(form: Callable[[], Form]) -> None:
    """The folded part, drawn when it is opened. `form`: what an opened classifier is chosen in."""
    under_way: SideJobs[zoo.ModelCard] = SideJobs()
    with gr.Accordion(copy.UPLOAD_TITLE, open=False, elem_id="upload") as part:
        if hardware.on_zerogpu():
            gr.HTML(form_note(copy.UPLOAD_ZERO), elem_id="upload-note")
        else:
            drawn_once(part.expand, lambda: UploadPanel(form(), under_way))


class UploadPanel:
    """The fields of the part and its buttons.

    Args:
        form: what an opened classifier is chosen in.
        under_way: the opening that each page has under way.
    """

    def __init__(self, form: Form, under_way: SideJobs[zoo.ModelCard]) -> None:
        self.form, self.under_way = form, under_way
        self.opened = gr.State("")
        about = copy.UPLOAD_ABOUT.format(kept=zoo.VISITORS_KEPT, bytes=copy.size(zoo.VISITORS_BYTES))
        gr.HTML(form_note(about))
        with gr.Row():
            self.data = file_field(copy.UPLOAD_DATA, ".zip", elem_id="upload-data")
            self.weights = file_field(copy.UPLOAD_WEIGHTS, ".safetensors", elem_id="upload-weights")
        with gr.Row():
            self.name = gr.Dropdown(
                NAMES,
                value=NAMES[0],
                label=copy.UPLOAD_ARCHITECTURE,
                info=copy.UPLOAD_ARCHITECTURE_INFO,
                allow_custom_value=True,
                interactive=True,
                min_width=200,
                elem_id="upload-architecture",
            )
            self.side = gr.Number(
                None,
                precision=0,
                label=copy.UPLOAD_SIZE,
                info=copy.UPLOAD_SIZE_INFO,
                interactive=True,
                min_width=130,
                elem_id="upload-size",
            )
        _, self.reading = fields("upload")
        with gr.Row():
            self.open = gr.Button(copy.UPLOAD_OPEN, elem_id="upload-open")
            self.stop = gr.Button(copy.UPLOAD_STOP, interactive=False, elem_id="upload-stop")
        self.note = gr.HTML("", elem_id="upload-note")
        self._wire()

    def _wire(self) -> None:
        given = [self.data, self.weights, self.name, self.side, *self.reading]
        # Queued, or the page would not show the sentence of an error.
        made = self.open.click(self._open, given, [self.open, self.stop, self.note, self.opened], **QUEUED)
        made.then(self._choose, [self.opened, *self.form.choices], [self.opened, *self.form.of_model], **QUEUED)
        self.stop.click(self._stop, None, self.stop, **QUICK)

    def _open(
        self, request: gr.Request, data: Any, weights: Any, name: Any, side: Any, *reading: Any
    ) -> Iterator[dict[Any, Any]]:
        try:
            opener = reader(data, weights, name, side, Reading(*reading))
        except PlaygroundError as error:
            raise say(error) from None
        job = self.under_way.put(str(request.session_hash), lambda: openings.opening(opener))
        for start, stop, status in followed(job, openings.progress_html, lambda: None):
            yield {self.open: start, self.stop: stop, self.note: status}
        card = next(iter(job.outcomes.values()), None)
        yield {
            self.open: gr.Button(interactive=True),
            self.stop: gr.Button(interactive=False),
            self.note: openings.ended_html(job),
            self.opened: "" if card is None else card.id,
        }

    def _choose(self, opened: Any, *choices: Any) -> dict[Any, Any]:
        """Asked once the classifier is open, with the form as it is then."""
        if not isinstance(opened, str) or not opened:
            return {self.opened: ""}
        return {self.opened: "", **self.form.with_model(opened, *choices)}

    def _stop(self, request: gr.Request) -> Any:
        self.under_way.call_off(str(request.session_hash))
        return gr.Button(interactive=False)


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


def read_name(name: Any, size: Any, reading: Reading = AS_USUAL) -> str:
    """The architecture of the fields as `open_uploaded` reads it.

    Raises:
        InputError: anything but a plain name of torchvision or timm, a size out of range, or a way to read that cannot be.
    """
    text = name.strip() if isinstance(name, str) else ""
    if not PLAIN.fullmatch(text):
        raise InputError(copy.UPLOAD_BAD_NAME, hint=copy.UPLOAD_BAD_NAME_HINT)
    arguments = reading.arguments()
    if size is not None and (size != 0 or isinstance(size, bool)):  # gradio sends 0 for an empty box
        if isinstance(size, bool) or not isinstance(size, int | float) or size not in range(SMALLEST, LARGEST + 1):
            raise InputError(copy.UPLOAD_BAD_SIZE.format(low=SMALLEST, high=LARGEST), hint=copy.UPLOAD_BAD_SIZE_HINT)
        arguments = {"size": str(int(size)), **arguments}
    return "?".join([text, *filter(None, ["&".join(f"{key}={value}" for key, value in arguments.items())])])


def reader(data: Any, weights: Any, name: Any, size: Any, reading: Reading = AS_USUAL) -> Opener:
    """What opens the uploads under an identifier that nobody can guess; everything that is quickly checked is checked before.

    Args:
        data, weights: paths that gradio gave the uploads; None where there is none.
        name, size, reading: see `read_name`.

    Raises:
        InputError: something is missing or too large; the opener: damaged, or the parts do not fit.
    """
    architecture = read_name(name, size, reading)
    for path, missing, suffix in (
        (data, copy.UPLOAD_NO_DATA, ".zip"),
        (weights, copy.UPLOAD_NO_WEIGHTS, ".safetensors"),
    ):
        checked_file(path, missing, suffix)

    def opener(cancel: CancelToken, progress: Progress) -> zoo.ModelCard:
        # Gradio clears its uploads away after an hour; a run may start later.
        folder = Path(tempfile.mkdtemp(prefix="playground-upload-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        try:
            model = _open(Path(data), Path(weights), architecture, folder, cancel, progress)
            cancel.check()  # nobody waits for it any more
            zoo.take_in(model, leave=lambda: shutil.rmtree(folder, ignore_errors=True))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return model.card

    return opener


def checked_file(path: Any, missing: str, suffix: str) -> Path:
    """The upload of a file field.

    Raises:
        InputError: there is none (`missing` says so), or one of another ending. AssetError: it is too large.
    """
    if not isinstance(path, str) or Path(path).suffix.lower() != suffix:
        raise InputError(missing)
    if Path(path).stat().st_size > FILE_BYTES:
        text = copy.UPLOAD_TOO_LARGE.format(what=Path(path).name, size=copy.size(FILE_BYTES))
        raise AssetError(text, hint=copy.UPLOAD_TOO_LARGE_HINT)
    return Path(path)


def _open(
    data: Path, weights: Path, architecture: str, folder: Path, cancel: CancelToken, progress: Progress
) -> zoo.Brought:
    # Loads nothing heavy itself, but opening does: not before somebody asks.
    from sfr_core.zoo.uploaded import open_uploaded

    # By the names that the visitor gave them, which errors repeat.
    model = open_uploaded(
        data, weights, architecture, model_id=f"{zoo.OWN}{secrets.token_hex(16)}", most_bytes=PICTURE_BYTES, cancel=cancel,
        progress=progress,
    )  # fmt: skip
    check_classes(model, CLASSES)
    kept = shutil.copyfile(weights, folder / "weights.safetensors")  # no path of ours holds a visitor's text
    title = f"{plain(weights.stem)} ({architecture.partition('?')[0]})"
    card = replace(model.card, title=title, dataset=plain(data.stem), folder=folder, file=kept.name)
    return replace(model, card=card)


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
