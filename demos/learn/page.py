"""Tab Learn: seven steps that the visitor's browser computes; it asks the server for nothing once it is drawn (docs/adr/0064)."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from demos import page_data
from demos.render import render
from demos.static_files import mounting, read
from demos.text import learn as copy
from demos.unlearn.recorded import Recordings

ROWS = ("lam", "remain_x", "remain_y", "forget_x", "forget_y")
MODEL = "fashion-mnist-resnet"
"""Its recorded run stands beside the toy's."""
PICTURES = 3
"""Of each set, beside the curves of that run."""


def build(recordings: Recordings) -> gr.HTML:
    """The lesson. What it needs is fetched when the tab is opened: the page's config holds the address alone."""
    return gr.HTML(
        "",
        html_template=render("learn.html", T=copy.LEARN),
        js_on_load=mounting("learn"),
        apply_default_css=False,
        elem_id="learn",
        lesson=page_data.address(given(recordings)),
    )


def given(recordings: Recordings) -> dict[str, Any]:
    """All that the lesson needs."""
    return {"texts": copy.LEARN, "toy": rows(), "recorded": recorded(recordings)}


def rows() -> dict[str, Any]:
    """The toy's points; what else the file holds (the end of each path) is for tests."""
    found = json.loads(read("learn_toy.json"))
    return {name: found[name] for name in ROWS}


def recorded(recordings: Recordings) -> dict[str, Any] | None:
    """The accuracies of the classifier's recorded run, and what the texts name of it; None where there is none."""
    found = recordings.of(MODEL)
    if found is None:
        return None
    run, value = found.run, found.value
    view = value["view"]
    return {
        "title": value["title"],
        "curve": view["accuracy"],
        "steps": view["steps"],
        "n": view["n"][0],
        "every": run.config.settings["forget_every"],
        "density": round(100 * view["density"]),
        **pictures(value),
    }


def pictures(value: dict[str, Any]) -> dict[str, Any]:
    """A few pictures of both sets, and what the network said of each whenever the run looked.

    Args:
        value: of the recorded run (live/payload.py of_record).
    """
    looks = [(frame["step"], frame["pictures"]) for frame in value["frames"] if frame.get("pictures")]
    first, classes = looks[0][1], value["classes"]
    sets: list[list[int]] = [[], []]
    for at, (_, label, *_) in enumerate(first):
        sets[label not in value["forgotten"]].append(at)
    chosen = [at for of_set in sets for at in of_set[:PICTURES]]
    return {
        "pictures": [
            {
                "src": value["pictures"][f"{first[at][4]}:{first[at][0]}"],
                "truth": classes[first[at][1]],
                "set": "remain" if at in sets[1] else "forget",
            }
            for at in chosen
        ],
        "looks": [{"i": step, "said": [classes[shown[at][2]] for at in chosen]} for step, shown in looks],
    }
