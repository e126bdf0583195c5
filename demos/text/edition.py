"""Texts of the static edition, where they are not those of the live page."""

from __future__ import annotations

PAGE = {
    "title": "Unlearning Playground: lesson and recordings",
    "about": "This edition needs no server: it has the lesson, recorded runs and measured results. The program itself can run your own choices.",
    "tabs": "Parts of this edition",
    "sources": "Licences of these models and their pictures",
    "pictures": "Pictures:",
    "noScript": "This page needs JavaScript.",
}
SENTENCE = "Watch what a trained network forgets, and learn how."
TABS = {"learn": "Learn", "unlearn": "Recordings", "results": "Results"}
LEARN = {
    "closingText": (
        "Here both are the same: a model is one place in the plane. In a network with many weights, two models can give the same answers, and one of them still holds "
        "traces of what it saw. Only an attack can tell; the program has one for its text-to-image model."
    ),
    "tryIt": "Watch the recorded runs",
}
"""In place of the lesson's own, which speak of the tab Unlearn."""

NOT_LOADED = "The recorded runs are missing: recordings.js must lie in the same folder as this page."
NO_FOLDER = "{folder} is a file."
NO_FOLDER_HINT = "Give a folder for the edition."
NOT_EMPTY = "The folder {folder} is not empty."
NOT_EMPTY_HINT = "Choose another one, or add --overwrite."
NOT_WRITTEN = "The edition could not be written ({reason})."
NOT_WRITTEN_HINT = "Choose a folder that you may write to, with 8 MB of space."
NO_RESULTS = "The recorded tables cannot be read ({reason})."
NO_RESULTS_HINT = "Run this in a clone of the program, which has docs/results.md."
NO_RECORDINGS = "No recorded run can be read."
NO_RECORDINGS_HINT = "Make them anew with: python -m recipes.recorded"
WRITTEN = "{folder}: {size} in {n} files. Open {page}."
