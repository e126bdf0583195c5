"""Every text of the tab Compare methods."""

from __future__ import annotations

from typing import Any

PARTS = {
    "R": "SFR-on's joint step alone (R)",
    "R-on": "SFR-on without mask and adaptive weights (R-on)",
    "F R-on": "SFR-on without mask (F R-on)",
    "separate": "SFR-on with separate optimisers (DualOptim)",
    "unseen": "SFR-on weighted by what looks unseen (FaLW)",
}
"""Ablations of SFR-on as the paper calls them."""
EXTRA = "{name} ({extras})"
ORIGINAL, RETRAINED = "Original model", "Retrained model"

GROUPS = {"class": "Whole classes", "concept": "Concepts", "random": "A random tenth", "samples": "Chosen pictures"}
ALL = {
    "class": "all {n} classes that are compared",
    "concept": "all {n} concepts that are compared",
    "random": "all {n} draws",
    "samples": "all {n} choices",
}
ONE_DRAW = "draw {seed}"
TABLE = "{model}: {group}, {which}"

PASSES_SHARE = "Passes, of retraining"
PASSES_BESIDE = "{n:,.0f} passes"
NEIGHBOURS = "Neighbours"
NEIGHBOURS_HELP = "How much the test accuracy changed on the two classes that the original most often confuses with the forgotten one."

SETTINGS, STEPS = "{name} {values}", "{values} steps"
SPAN = "{least} to {most}"
ON, PARTLY_ON = "on {machine}", "partly on {machine}"
FLOOR = "One pair of models retrained without the same pictures differs by {floor:.3f} nats"
STOPPED, FAILED = "{n} stopped", "{n} failed: {said}"

GAP, HARM = "mean gap to the retrained model", "harm"
NEAREST = "{method} is nearest to retraining: its mean gap is {value} points ({runs})."
LEAST_HARM = "{method} does the least harm: {value} points ({runs})."
ALONE = "Only {method} has been measured here so far: its {what} is {value} points ({runs})."
NOTHING = "Nothing was measured here yet."
NEXT = "Next is {method}, {by} points behind, {sure}."
SURE, UNSURE = "more than the spread of either", "within the spread"
ONCE = "measured only once, so the spread is unknown"
BEATEN = "{reference} is beaten by {methods}."
BEATEN_BY = "{method} (by {by} points, {sure})"
UNBEATEN = "Nothing here beats {reference}."
INCOMPLETE = "Not ranked, because not everything has been measured yet: {methods}."
RUNS = {True: "1 run", False: "{n} runs"}

RECORDED = "Recorded"
RECORDED_WHEN = "Recorded {when} on {machine}."
TUNED = "Every method has the best of eight settings, tried on two classes and a tenth that are not averaged here; parts of SFR-on have those of the whole."
RECORDED_BY = "Made again by:"
NO_SECONDS = "No seconds stand here, because not all of these runs were timed in one go on one machine."
EQUAL_TIME = "Trained rivals have as many steps as fitted into the CPU time of {reference} when they were measured (some beside an earlier, shorter preset of it); SFR-on has its own preset's."
HOW_MANY = "A race has {least} to {most} methods."
HOW_MANY_HINT = "Tick some more, or fewer."
HOW_MANY_SEEDS = "A race has 1 to {most} seeds."
HOW_MANY_SEEDS_HINT = "Choose fewer."
EXPECT = "{n} runs, about {time} together"
EXPECT_UNKNOWN = "{n} runs; their time is unknown until this model has been timed here"
RACE_TABLE = "{model}: {what}, raced live"
RACE_LOST = "The server was restarted and this race is lost; its settings are in the form."
RUN_GONE = "This run is not kept any more."
RUN_GONE_HINT = "Race again to see its result."

SWEEP = "What {field} does to {method}"
PART_TITLES = {
    "mask": "Mask: which weights may move",
    "forgetting": "Forgetting: what the forget set asks for",
    "remaining": "Remaining: what the remain set asks for",
    "manifold": "Manifold: in which metric a step is small",
}
"""Attributes of catalog.base.Parts, and their titles."""

COMPARE: dict[str, Any] = {
    "title": "Compare methods",
    "intro": (
        "Several methods forget the same thing, each from the same weights, and are compared with a model retrained without it. These numbers are recorded, so nobody has to wait."
    ),
    "model": "Model",
    "group": "Forgotten",
    "which": "Averaged over",
    "recorded": "recorded",
    "loading": "The table is coming.",
    "failed": "The table could not be fetched. Open this tab again.",
    "method": "Method",
    "runs": "Runs",
    "runsOf": "{done} of {of}",
    "gap": "gap {gap}",
    "none": "none",
    "notMeasured": "not measured",
    "sortedUp": "Sorted by {column}, best or lowest first.",
    "sortedDown": "Sorted by {column}, worst or highest first.",
    "openRun": "Show this run in the tab Unlearn",
    "legend": (
        "Each cell: mean ± spread (standard deviation over forget sets and seeds), below it the gap to the retrained model. Bold: better than the next by more than "
        "the spread of either. A dash: not measured. Click a column's name to sort by it."
    ),
    "save": "Save the table:",
    "saved": "Saved: {name}",
    "meanings": "What these numbers mean",
    "by": "Made again by:",
    "raceTitle": "Race live",
    "raceIntro": "The chosen methods run one after the other from the same weights, each with its quick preset. You can go on using the page; what has ended is kept.",
    "raceForget": "Forget",
    "raceMethods": "Methods (2 to 6)",
    "raceSeeds": "Seeds for each",
    "raceStart": "Race live",
    "raceStop": "Stop",
    "raceStopping": "Stopping",
    "live": "live",
    "elapsed": "Elapsed {time}.",
    "left": "Left about {time}.",
    "raceProgress": "Share of all steps that were made",
    "seed": "seed {seed}",
    "curveX": "Share of the run (%)",
    "curves": {
        "forgetAccuracy": "Forget accuracy (%)",
        "remainAccuracy": "Remain accuracy (%)",
        "forgetLoss": "Forget loss",
        "remainLoss": "Remain loss",
    },
    "curvesGenerates": {
        "forgetAccuracy": "Forgotten, still drawn (%)",
        "remainAccuracy": "Everything else, drawn as asked (%)",
    },
    "racePlane": "Path of each method. Further right: more of the rest is kept. Further up: more of the forgotten is left.",
    "racePlaneNote": "Lines: measured on the same few pictures during the runs. Triangle: the retrained model, measured on all pictures, so it can lie a little off.",
    "racePlaneNoteAlone": "Measured on a few samples during the runs. There is no retrained model: bottom right is best.",
    "raceSamples": "Samples of each method from the same noise",
    "original": "Original model",
    "retrained": "Retrained model",
    "spread": "spread",
    "numbers": "The numbers as a table",
    "saveFigure": "Save this figure as {kind}",
    "figureAlt": "{title}. The numbers are in the table below.",
    "planeTitle": "Where each method ends. Further right: more of the rest is kept. Further up: more of the forgotten is left.",
    "planeNote": "The lines from the original model are straight because only the end of each run was recorded. The nearer to the triangle, the better.",
    "planeNoteAlone": "The lines from the original model are straight because only the end of each run was recorded. There is no retrained model: bottom right is best.",
    "differTitle": "Where methods differ",
    "differIntro": (
        "The paper writes every method as four choices. δ is a step, θ the weights now, θ0 those of the original; g_f and g_r are the gradients of the mean losses of forget and remain "
        "set, F_f and F_r their diagonal Fishers (how much each weight matters to a set), H_r the curvature of the remain loss, t/T the share of the run that is over, α the forgetting strength, ℓ_i the loss of picture i, ε̃_i its adaptive weight and λ the temperature of these weights."
    ),
    "parts": list(PART_TITLES.values()),
    "noPart": "none",
    "sweepNote": "{help} Points are means, bars the spread over {n} seeds; the dashed level is the retrained model's.",
    "sweepNoteOnce": "{help} One run each; the dashed level is the retrained model's.",
}
