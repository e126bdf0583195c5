"""Texts of links, scripts and reports."""

from __future__ import annotations

TOO_LONG = "This link is too long to be one of this page."
TOO_LONG_HINT = "Copy it again from the page that made it."
REFUSED = "The link cannot be opened as it is: {error}"

SHARE = {
    "title": "Share or repeat this run",
    "link": "Link",
    "lesson": "classroom view",
    "copyLink": "Copy link",
    "copied": "Copied",
    "qr": "QR code",
    "qrAlt": "QR code of the link",
    "script": "Python script",
    "notebook": "Notebook",
    "why": "The link opens this form filled in and starts nothing. The script repeats the run without the page.",
    "none": "Your own model is on this server alone, so no link leads to it. Save its files after a run instead.",
}
QR_FAILED = "This link is too long for a QR code."

SCRIPT = """\"\"\"{title}: the same run without the page, in a clone of this program after `make run` or `pip install -r requirements.txt`.

    .venv/bin/python {name}
\"\"\"

from sfr_core.cli.run import main

RUN = {run}

raise SystemExit(main(["run", *RUN, "--out", "runs/{folder}"]))
"""
NOTEBOOK_HEAD = "# {title}\n\nThe same run without the page. Open this notebook in a clone of this program in which `pip install -r requirements.txt` was run."
NOTEBOOK_RUN = """from sfr_core.cli.run import main

RUN = {run}
main(["run", *RUN, "--out", "runs/{folder}", "--overwrite"])"""
NOTEBOOK_RESULT = """import json
from pathlib import Path

result = json.loads(Path("runs/{folder}/result.json").read_text())
for when in ("before", "after", "retrained"):
    print(when, result[when])"""

REPORT_TITLE = "{method} forgets {what}"
REPORT_ABOUT = "A run of the Unlearning Playground on {model}; computed on {device}."
REPORT_UNKNOWN = "an unknown machine"
REPORT = {
    "brief": "The result in a few lines",
    "numbers": "All numbers",
    "figures": "Figures",
    "settings": "Settings",
    "versions": "Versions",
    "warning": "Approximate unlearning is not a guarantee of deletion: it says how the model behaves, not what can still be extracted.",
}
