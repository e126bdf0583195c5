"""What a finished run's "What now?" says, and the words of its buttons."""

from __future__ import annotations

from typing import Literal

Finding = Literal["kept", "lost", "noticed", "fine", "open", "stopped"]
"""What a rule found: it is still there, the rest was lost, the forgetting can be noticed, nothing is wrong, nothing can be said, or the run was
stopped before its evaluation."""

TITLE = "What now?"
HELP = "A button fills the form. Nothing starts until you press Unlearn."
WHY: dict[Finding, str] = {
    "kept": "It is not forgotten yet.",
    "lost": "The rest lost too much.",
    "noticed": "More was forgotten than a retrained model forgets.",
    "fine": "Nothing is wrong. Try a harder question.",
    "open": "Nothing can be said of this run. Try another one.",
    "stopped": "The run was stopped before its evaluation.",
}
OFFER: dict[str, str] = {
    "kept": "More forgetting: {what}",
    "lost": "More repair: {what}",
    "gentler": "Gentler forgetting: {what}",
    "firmer": "Firmer repair: {what}",
    "noticed": "Less forgetting: {what}",
    "class": "Forget another class: {what}",
    "whole": "Forget a whole class: {what}",
    "concept": "Forget another concept: {what}",
    "preset": "The same with the preset {what}",
    "stopped": "The same run to its end",
    "compare": "Compare methods",
}
CHANGE, ON = "{name} {old} → {new}", "{name} on"
"""One setting that changes; a switch."""
NAMED = "{label} ({symbol})"
GONE = "This suggestion is no longer there."
GONE_HINT = "Change the form by hand."
