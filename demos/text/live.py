"""Every text of the live view: states, phases, curves, and the sheets of samples."""

from __future__ import annotations

from typing import Any

COMPARE_BELOW = "Scroll down to compare it with before{retrained}."
COMPARE_RETRAINED = " and with a retrained model"
STATE_LINES = {
    "queued": "Waiting: number {place} in the queue.",
    "queued_next": "Waiting: you are next.",
    "begins": "It begins in about {time}.",
    "stopping": "Stopping after this step…",
    "finished": "Finished after {steps} steps.",
    "cancelled": "Stopped after step {steps}.",
    "deadline_early": "Stopped before the first step: the time limit was reached.",
    "deadline": "Stopped after step {steps}: the time limit was reached.",
    "failed": "Failed: {error}",
    "starting": "Starting: loading the program and the weights…",
    "remote": "Running on ZeroGPU: this is the latest state received from there.",
}
PHASE_LINES = {
    "prepare": "Loading the weights and computing the first predictions.",
    "fisher": "Measuring how much each weight matters (Fisher information), batch {done} of {total}.",
    "mask": "Selecting the weights that matter most for what is forgotten (saliency mask).",
    "unlearn": "Forgetting: step {step} of {steps}.",
    "evaluate": "Measuring on all pictures, {done} of {total}.",
}
PHASE_LINES_GENERATOR = {
    "prepare": "Loading the weights and drawing the first samples.",
    "prepare_free": "The network draws its own pictures to forget and to keep, step {done} of {total}.",
    "evaluate": "Drawing samples for the comparison, step {done} of {total}.",
}
"""Where a generator's run does something else."""
PAUSED_LINE = (
    "Repairing: step {step} of {steps}. Forgetting pauses, because the class's name already misleads the model enough."
)
REPAIRING_LINE = "Repairing: step {step} of {steps}. Forgetting is finished; these steps restore everything else."
PHASE_NAMES = {
    "prepare": "Prepare",
    "fisher": "Fisher",
    "mask": "Mask",
    "unlearn": "Unlearn",
    "evaluate": "Evaluate",
}
MACHINE_CPU = "{name} · {memory} resident memory"
MACHINE_GPU = "{name} · {memory} in use"

JUDGE_ERRS = "The judge errs too: it does not recognise {known:.0f} % of real test pictures."
JUDGE_ERRS_UNSEEN = "The judge errs too: of real pictures it does not recognise {known:.0f} % of those that it learned from and {unseen:.0f} % of others."
"""Beside the judge's marks."""
WRONG_BEFORE = "A dotted line below a mark: wrong before the run, too."
SHEET = {
    "tooSuffix": "{meaning}; wrong before the run, too",
    "toForget": "{name} (to forget)",
    "toForgetWords": "{name} (to forget, in other words)",
    "neighbour": "{name} (neighbour)",
    "rowAlt": "{name}. {text}",
    "rowAltForget": "{name}, to be forgotten. {text}",
    "count": "{right} of {all} ✓",
    "own": "recognised as its class",
    "other": "recognised as {name}",
    "none": "recognised as none of the classes",
    "sheetNote": (
        "Samples drawn from the same noise every time; {steps} sampler steps, guidance {guidance}. "
        "✓ recognised as its class, ≠ as another class, ✗ as none."
    ),
}
"""Words of the sheets of samples, here and in Compare."""
SHEET_PROMPTS = {
    "own": "shows what the prompt asks for",
    "other": "shows the subject of another prompt: “{name}”",
    "none": "shows none of the prompts' subjects",
    "sheetNote": (
        "Each row is one prompt, drawn from the same noise every time; {steps} sampler steps, guidance {guidance}. "
        "✓ shows its prompt's subject, ≠ shows another prompt's subject, ✗ shows neither."
    ),
}
"""Where the rows of a sheet are prompts."""
SHEET_UNJUDGED = {
    "sheetNote": (
        "Samples drawn from the same noise every time; {steps} sampler steps, guidance {guidance}. This model has no judge, so nobody "
        "counts what they show."
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
    "watch": "Watch a recorded run",
    "recordings": "Recordings",
    "back": "Back to your run",
    "looking": "Looking for your run …",
    "recordedOn": "A real run of the {model}, recorded on {machine}: it took {took} including the comparison and plays here in {plays}.",
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
    "toKeep": "To keep: should stay ✓ (dotted line: wrong before the run, too)",
    "right": "recognised",
    "wrong": "not recognised",
    "wrongToo": "not recognised, and not before the run either",
    "alt": "{source} picture {row} of class {truth}; the network predicts {said}, {percent} % sure, {verdict}",
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
    "lost": "The server does not answer. Unless it was restarted, your run continues there; this page keeps trying.",
    "generator": {
        "waiting": "The samples appear as soon as the first are drawn.",
        "lossTitle": "Loss (squared error)",
        "accuracyTitle": "Recognised samples in %",
        "accuracyTitleN": "Recognised samples in % (n = {forget} and {remain})",
        "forget": "forgotten class",
        "remain": "other classes",
        "forgetLoss": "forgotten class",
        "remainLoss": "other classes",
        "numbersAccuracy": "Numbers: recognised samples, in %",
        "plotAltAccuracy": (
            "Line chart of the shares of samples of the forgotten and of the other classes that the judge recognises as their class; "
            "the numbers are in the table below it."
        ),
    },
    "relative": {
        "lossTitle": "Loss (forgetting goes from 1 to 0)",
        "forgetLoss": "to forget (1 to 0)",
        "remainLoss": "to keep: squared error",
    },
    "concept": {
        "accuracyTitle": "Samples as prompted, %",
        "accuracyTitleN": "Samples as prompted, % (n = {forget}, {remain})",
        "forget": "concept still shown",
        "remain": "everything else",
        "forgetLoss": "the concept",
        "remainLoss": "everything else",
        "numbersAccuracy": "Numbers: samples that show their prompt, in %",
        "plotAltAccuracy": (
            "Line chart of the shares of samples that still show the concept, and of samples of everything else that show what "
            "their prompt asks for; the numbers are in the table below it."
        ),
    },
    "showPictures": "Show the pictures",
    "whyBlurred": "Blurred, because this model may draw pictures that are not suitable for everyone.",
    "noPlot": "The chart could not be drawn; the numbers are in the table below.",
    "mask": "The saliency mask lets {percent} % of the weights change in forgetting steps.",
}
WORKER_LOST = "The worker that computed this run was lost."
WORKER_LOST_HINT = "Start the run again."

RACE_TITLE = "{n} runs forget {what}"
RACE_LINES = {
    "run": "Run {i} of {n}, {method} with seed {seed}. {line}",
    "finished": "All {n} runs have ended.",
    "cancelled": "Stopped: {done} of {n} runs went to their end. Their results are kept.",
    "failed_one": "One run failed.",
    "failed": "{failed} runs failed.",
}
RACE_DEADLINE = "It was stopped after {steps} steps: the time limit was reached."
