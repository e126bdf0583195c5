"""The five lines of a result."""

from __future__ import annotations

CAPTION = "The result in five lines"
LEFT, REST, NEIGHBOURS, WORST, DISTANCE, COST = (
    "What is left of it",
    "What the rest lost",
    "Its neighbours",
    "The most affected of the others",
    "How far from retrained",
    "What it cost",
)

BESIDE, BESIDE_RETRAINED = "before {before} %", ", retrained {retrained} %"
"""In brackets behind a number after the run."""
LEFT_CLASS = "{after} % of its test pictures are still recognised ({beside})."
LEFT_ROWS = "{after} % of these training pictures are recognised ({beside})."
COPIES = {
    1: " 1 picture of the remain set is an exact copy of a forgotten one.",
    2: " {n:,} pictures of the remain set are exact copies of forgotten ones.",
}
"""By how many there are: one, or more."""
LEFT_SAMPLES = "{after} % of its samples are still recognised as such ({beside})."
LEFT_CONCEPT = "{after} % of the samples that ask for it show it ({beside})."
LEFT_PARAPHRASE = " Asked in other words: {after} % ({beside})."
REST_CLASSES = "{after} % of the other test pictures are recognised ({beside}): {change}."
REST_ALL = "{after} % of all test pictures are recognised ({beside}): {change}."
REST_SAMPLES = "{after} % of the other samples are recognised as asked ({beside}): {change}."
SAME, FEWER, MORE = "unchanged", "{points} less than before", "{points} more than before"
NEIGHBOUR_CLASSES = "{names}, most often mistaken for it before: {after} % recognised (before {before} %)."
NEIGHBOUR_CONCEPTS = "{names}: {after} % of their samples show what was asked for ({beside})."
RELATED = "Related prompts"
"""The neighbours of a run from a file whose prompts are not known here."""
NEIGHBOURS_NONE = "None: the network mistook no other class for it."
NEIGHBOURS_APPLY = "Only whole classes and concepts have neighbours."
NEIGHBOURS_UNKNOWN = "Not known: predictions on single pictures are not saved in files."
WORST_SAMPLES = "{name}: {after} of {n} samples recognised, before {before} of {n}."
WORST_NONE = "None: every other class is recognised as often as before."
WORST_UNKNOWN = "Not known: samples are not saved in files."
DISTANCE_POINTS = "{after} points apart on average over four measures, before the run {before} (accuracy on forget, remain and test set, membership attack)."
DISTANCE_SAMPLES = "{forget} points apart on the forgotten samples, {rest} on the others."
DISTANCE_NONE = "Not known: there is no retrained model for this choice."
