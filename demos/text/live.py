"""Every text of the live view: states, phases, curves, and the sheets of samples."""

from __future__ import annotations

from typing import Any

COMPARE_BELOW = "Scroll down to compare it with before{retrained}."
COMPARE_RETRAINED = " and with a retrained model"
STATE_LINES = {
    "queued": "Waiting: place {place} in the queue.",
    "queued_next": "Waiting: you are next.",
    "stopping": "Stopping after this step…",
    "finished": "Finished after {steps} steps.",
    "cancelled": "Stopped after step {steps}.",
    "deadline_early": "Stopped before the first step: the longest allowed time was reached.",
    "deadline": "Stopped after step {steps}: the longest allowed time was reached.",
    "failed": "Failed: {error}",
    "starting": "Starting: loading the program and the weights…",
    "remote": "Computed on ZeroGPU: what you see is the last state that came from there.",
}
PHASE_LINES = {
    "prepare": "Loading the weights and predicting the pictures below.",
    "fisher": "Measuring which weights matter (Fisher), batch {done} of {total}.",
    "mask": "Marking the weights that the forget set needs most (saliency mask).",
    "unlearn": "Forgetting: step {step} of {steps}.",
    "evaluate": "Measuring on all pictures, {done} of {total}.",
}
PHASE_LINES_GENERATOR = {
    "prepare": "Loading the weights and drawing the first samples.",
    "prepare_free": "Drawing the pictures to forget and to keep from the network itself, step {done} of {total}.",
    "evaluate": "Drawing samples of every model, step {done} of {total}.",
}
"""Where a generator's run does something else."""
PAUSED_LINE = "Repairing: step {step} of {steps}. Forgetting pauses: the class's name already makes predictions worse."
REPAIRING_LINE = "Repairing: step {step} of {steps}. Forgetting is over; these steps only repair."
PHASE_NAMES = {
    "prepare": "Prepare",
    "fisher": "Fisher",
    "mask": "Mask",
    "unlearn": "Unlearn",
    "evaluate": "Evaluate",
}
MACHINE_CPU = "{name} · {memory} resident memory"
MACHINE_GPU = "{name} · {memory} in use, {peak} at peak"

SHEET = {
    "toForget": "{name} (to forget)",
    "toForgetWords": "{name} (to forget, in other words)",
    "neighbour": "{name} (neighbour)",
    "rowAlt": "{name}. {text}",
    "rowAltForget": "{name}, to be forgotten. {text}",
    "count": "{right} of {all} ✓",
    "own": "accepted as the class asked for",
    "other": "accepted as {name}",
    "none": "accepted as none of the classes",
    "sheetNote": (
        "Samples from the same noise in every picture below; {steps} sampler steps, guidance {guidance}. "
        "✓ accepted as the class asked for, ≠ as another class, ✗ as none."
    ),
}
"""Words of the sheets of samples, here and in Compare."""
SHEET_PROMPTS = {
    "own": "shows what the prompt asks for",
    "other": "shows something else: what “{name}” asks for",
    "none": "shows none of these",
    "sheetNote": (
        "Every row is a prompt; samples from the same noise in every picture below; {steps} sampler steps, guidance {guidance}. "
        "✓ shows what the prompt asks for, ≠ what another of these asks for, ✗ none of these."
    ),
}
"""Where the rows of a sheet are prompts."""
SHEET_UNJUDGED = {
    "sheetNote": (
        "Samples from the same noise in every picture below; {steps} sampler steps, guidance {guidance}. This model has no judge: "
        "nobody counts what they show."
    ),
}
"""Where nobody judges a sheet."""

LIVE: dict[str, Any] = {
    "recorded": "Recorded run",
    "live": "Live run",
    "runIt": "Run it live",
    "pause": "Pause",
    "play": "Play",
    "again": "Play again",
    "recordedOn": "A real run, recorded on {machine}, where it took {took} with its comparison; here it plays in {plays}.",
    "stepper": "Phases of the run",
    "states": {
        "todo": "not yet",
        "now": "running",
        "done": "done",
        "stopped": "stopped here",
        "skipped": "not part of this method",
    },
    "phases": PHASE_NAMES,
    "stepOf": "step {step} of {steps}",
    "unitOf": "{done} of {total}",
    "stepWord": "Progress",
    "elapsed": "Elapsed",
    "left": "Left",
    "leftNone": "–",
    "about": "about {time}",
    "speed": "Speed",
    "speedUnit": "{n} steps/s",
    "machine": "Machine",
    "toForget": "To forget: should turn to ✗",
    "toForgetSamples": "To forget: training pictures of the forget set",
    "toKeep": "To keep: should stay ✓",
    "right": "recognised",
    "wrong": "not recognised",
    "alt": "{source} picture {row}, in truth {truth}; the network predicts {said}, {percent} % sure, {verdict}",
    "sources": {"test": "Test", "train": "Training"},
    "truth": "is: {truth}",
    "waiting": "The pictures appear with the first predictions.",
    "lossTitle": "Loss (cross-entropy, nats)",
    "accuracyTitle": "Accuracy in %",
    "accuracyTitleN": "Accuracy in % (n = {forget} and {remain})",
    "forget": "forget set",
    "remain": "remain set",
    "forgetLoss": "forget set",
    "remainLoss": "remain set",
    "step": "step",
    "numbersLoss": "Numbers: loss",
    "numbersAccuracy": "Numbers: accuracy in %",
    "noNumbers": "No numbers yet.",
    "thinned": "{shown} of {all} points",
    "plotAltLoss": "Line chart of the forget and the remain loss over the steps; the numbers are in the table below it.",
    "plotAltAccuracy": "Line chart of the accuracy on forget and remain set; the numbers are in the table below it.",
    "lost": "The server does not answer; the page keeps trying. The run goes on there.",
    "generator": {
        "waiting": "The samples appear as soon as the first ones have been drawn.",
        "lossTitle": "Loss (squared error)",
        "accuracyTitle": "Accepted samples in %",
        "accuracyTitleN": "Accepted samples in % (n = {forget} and {remain})",
        "forget": "forgotten class",
        "remain": "other classes",
        "forgetLoss": "forgotten class",
        "remainLoss": "other classes",
        "numbersAccuracy": "Numbers: samples accepted, in %",
        "plotAltAccuracy": (
            "Line chart of the shares of samples of the forgotten and of the other classes that the judge accepts as their class; "
            "the numbers are in the table below it."
        ),
    },
    "relative": {
        "lossTitle": "Loss (share of way left; squared error)",
        "forgetLoss": "to forget: way left (1 = all)",
        "remainLoss": "to keep: squared error",
    },
    "concept": {
        "accuracyTitle": "Samples as prompted, in %",
        "accuracyTitleN": "Samples as prompted, in % (n = {forget} and {remain})",
        "forget": "concept still shown",
        "remain": "everything else",
        "forgetLoss": "the concept",
        "remainLoss": "everything else",
        "numbersAccuracy": "Numbers: samples as prompted, in %",
        "plotAltAccuracy": (
            "Line chart of the shares of samples that still show the concept, and of samples of everything else that show what "
            "their prompt asks for; the numbers are in the table below it."
        ),
    },
    "showPictures": "Show the pictures",
    "whyBlurred": "They are blurred because this model may draw what is not for everybody.",
    "noPlot": "The chart could not be drawn; the numbers are in the table below.",
    "mask": "The saliency mask lets {percent} % of the weights move in forgetting steps.",
}
