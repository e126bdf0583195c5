"""Every text of the part Compare and of the tab Runs."""

from __future__ import annotations

from sfr_core.data.concepts import Role

TITLE = "Compare"
RULES_TITLE = "By which rules was this sentence made?"
TONES = {
    "forgotten": ("✓", "forgotten"),
    "partly": ("◐", "partly forgotten"),
    "kept": ("○", "not forgotten"),
    "damaged": ("!", "damaged"),
    "open": ("?", "no verdict"),
}
"""Sign and word for every tone of a summary."""

METRICS_TITLE = "In numbers"
METRICS_DEFINITIONS = "What these numbers mean"
NO_METRICS = (
    "This run has no full-set metrics: it ended before its evaluation. The timeline below holds what was measured."
)
UNJUDGED = (
    "This model has no judge, so nobody counted what it draws, before or after. Compare the pictures below yourself: those in one place "
    "start from the same noise."
)
UNJUDGED_NUMBERS = "Without a judge there are no numbers of what is drawn; the losses and the mask stand further below."
NO_RETRAINED = "No retrained model is shipped for this choice, so the columns *retrained* and *gap* are empty."
KL_FLOOR = "Two retrained models differ by {floor:.3f} nats from each other: no smaller KL can be expected."

CONFUSION_TITLE = "Who is taken for whom (test set)"
CONFUSION_SECOND = "Right-hand matrix"
CONFUSION_CHOICES = {"after": "After", "change": "Change (after minus before)", "retrained": "Retrained"}
NO_REPORTS = (
    "Predictions on single pictures are made at the end of a run, are kept in memory only as long as its weights, and are not part of run "
    "files. Run it again to its end to see them."
)
TABLE = "The numbers as a table"
LEFT_OUT = (
    "{shown} classes are shown one by one: the forgotten ones, and those whose predictions changed most. The other {left:,} share one row "
    "and one column."
)

SAMPLES_TITLE = "Not forgotten, over-forgotten"
NOT_FORGOTTEN = "Not forgotten"
OVER_FORGOTTEN = "Over-forgotten"
NOT_FORGOTTEN_HELP = "pictures of the forget set (training) that the model still classifies correctly{retrained}"
NOT_FORGOTTEN_RETRAINED = ", while the retrained model does not"
OVER_FORGOTTEN_HELP = "test pictures of what remains that were right before and are wrong after{retrained}"
OVER_FORGOTTEN_RETRAINED = ", while the retrained model has them right"
PICK_SAMPLE = "Choose a picture to see it large."
AGREEMENT_TITLE = "Agreement with the retrained model"
AGREEMENT_HELP = (
    "Share of pictures on which the model predicts the same as the retrained one, right or wrong; higher is closer."
)

SALIENCY_TITLE = "Saliency mask, layer by layer"
SALIENCY_SLIDER = "Threshold (position on the recorded scale; further right keeps fewer weights)"
NO_MASK = "This run used no saliency mask."
MASK_NOT_MADE = "This run ended before a saliency mask could be made."

SUMMARY_BASIS = "Judged on {forget} samples of the forgotten classes and {remain} of the others; {steps} sampler steps, guidance {guidance:g}."
SUMMARY_BASIS_CONCEPT = (
    "Judged on {forget} samples of the concept's own prompts, {words} in other words, {near} of its neighbours and {far} of other "
    "concepts; {steps} sampler steps, guidance {guidance:g}."
)
METRICS_CAPTION = "Gap = after minus retrained. n = pictures behind a number."
METRICS_CAPTION_GENERATOR = (
    "Gap = after minus retrained. n = samples behind a number, drawn with {steps} sampler steps (DDIM) at guidance {guidance:g}. "
    "Small samples: one of {n} is {point:.1f} points. The distance is one in the bundled judge's features, not FID."
)
NO_RETRAINED_GENERATOR = (
    "No retrained model is shipped for this choice, so these numbers can only be compared with those before."
)

MODELS = {"before": "Before", "after": "After", "retrained": "Retrained"}
TO_FORGET = "to forget"
ROLES: dict[Role, str] = {
    "direct": TO_FORGET,
    "paraphrase": "to forget, in other words",
    "neighbour": "neighbour",
    "other": "",
}
"""What a prompt is to the forgotten concept."""
STRIPS_TITLE = "Before, after, retrained: the same noise"
SHARES_TITLE = "Does it still draw it?"
SHARES_HEAD = ("prompts", "before (%)", "after (%)", "change", "n")
SHARES_ROWS: dict[Role, str] = {
    "direct": "The prompts that the run forgets",
    "paraphrase": "The same in other words",
    "neighbour": "Its neighbours",
    "other": "Everything else",
}
SHARES_CAPTION = (
    "Share of the samples that show what their prompt names. In the first two rows that is the forgotten concept, so less is better; in the "
    "others it is what should stay, so more is better."
)
SHARES_NEVER = "No other words worked before the run: whether the concept or only its name is gone cannot be told."
SHARES_PROMPTS = "Prompt by prompt, before the run"
SHARES_PROMPTS_CAPTION = (
    "How well the original model draws what each prompt asks for. Other words that show the concept on fewer than {least:.0f} % of the samples are "
    "left out of the row above: they tell nothing about forgetting."
)
SHARES_PROMPTS_HEAD = ("prompt", "is", "shown before (%)")
SHARES_COUNTED = {True: "counts", False: "left out"}
STRIPS_LEGEND = (
    "Pictures in one place start from the same noise. ✓ accepted as the class asked for, ≠ accepted as another class, ✗ none of the "
    "classes. Counts are over {n}; {steps} sampler steps (DDIM), guidance {guidance:g}."
)
STRIPS_LEGEND_PROMPTS = (
    "Every row is a prompt; pictures in one place start from the same noise. ✓ shows what the prompt asks for, ≠ what another of these "
    "asks for, ✗ none of these. Counts are over {n}; {steps} sampler steps (DDIM), guidance {guidance:g}."
)
STRIPS_LEGEND_UNJUDGED = (
    "Pictures in one place start from the same noise. This model has no judge: what they show is for you to say. {n}; {steps} sampler "
    "steps (DDIM), guidance {guidance:g}."
)
N_CONCEPT = "{n} samples of the concept's prompts"
N_FORGOTTEN = "{n} samples of the forgotten classes"
N_OTHERS = "{n} of the others"
NO_SAMPLES = (
    "The samples are drawn at the end of a run, are kept in memory only as long as its weights, and are no part of run files. The "
    "timeline holds what was recorded; run it again to its end to see the rest."
)
UNDRAWN = (
    "There was too little memory to draw all samples at the end of this run. Its weights are whole; the timeline holds what was recorded "
    "before."
)
PAIR_TITLE = "One over the other"
PAIR = {
    "left": "Left",
    "right": "Right",
    "difference": "Show the difference instead",
    "slider": "Where the left picture ends and the right one begins",
    "alt": "Samples of {title}, class by class",
    "altDifference": "Difference of the samples of {left} and {right}; the numbers are in the table beside it",
    "valueText": "{left} on the left {at} percent, {right} on the rest",
    "caption": "Left of the line: {left}; right of it: {right}. Class by class, {first} first, in the order of the table.",
    "captionDifference": "Black where {left} and {right} draw the same; the brighter, the more they differ.",
    "numbers": "How far the two are apart",
    "head": "mean difference, gray levels of 255",
}
PAIR_PROMPTS = {
    "alt": "Samples of {title}, prompt by prompt",
    "caption": "Left of the line: {left}; right of it: {right}. Prompt by prompt, “{first}” first, in the order of the table.",
}
"""Where the rows are prompts."""
PLAY_TITLE = "Draw more"
PLAY_HELP = (
    "Other noise, other steps, other guidance: the same models draw anew. More steps are finer and slower; guidance 0 ignores the "
    "class or the prompt, 1 takes it as learnt, more exaggerates it."
)
PLAY_STEPS, PLAY_GUIDANCE, PLAY_SEED = "Sampler steps", "Guidance", "Seed of the noise"
PLAY_WHAT, PLAY_WHAT_PROMPTS = "Classes", "Prompts"
PLAY_CHOICES = {"forgotten": "The forgotten ones", "all": "All"}
PLAY_DRAW, PLAY_STOP = "Draw", "Stop"
PLAY_WAITING = "Waiting until the run that computes now has ended."
PLAY_PROGRESS = "Drawing with {model}: step {done} of {total}."
PLAY_STOPPED = "Stopped. Nothing was changed."
PLAY_LATE = (
    "Stopped after {time}, which is the longest that may be computed here at once. Nothing was changed. Ask for less, or run this "
    "program on your own machine."
)
PLAY_DONE = "{n} samples a model, {steps} steps, guidance {guidance:g}, seed {seed}; {seconds} in all."
PLAY_BAD_STEPS = "Choose one of the offered numbers of sampler steps."
PLAY_BAD_GUIDANCE = "The guidance must be a number from 0 to 8."
PLAY_ZERO = "On this shared GPU a run's weights live no longer than the run, so nothing can be drawn afterwards. Save them, or use a machine of your own."
PLAY_GONE = "The weights of this run are not in memory any more, so nothing can be drawn. Run it again."

RECOVER_TITLE = "Can it be brought back?"
RECOVER_HELP = (
    "An attacker has the weights and pictures of the concept, and searches for a word that nobody ever wrote and that draws it again; no "
    "weight is changed. If that brings the pictures back, the model forgot the name and not the concept (Pham et al., ICLR 2024)."
)
RECOVER_TIME = "Expected: about {one}, with the model before the run {two} ({source})."
RECOVER_TIME_UNKNOWN = "The time is unknown: nothing was measured with this model yet."
RECOVER_FROM = {
    "attack": "measured by the last attack here",
    "measured": "from the speed of this run",
    "card": "from this model's training time",
}
RECOVER_NO_JUDGE = "This model comes without a judge, so nobody could tell whether the concept is back."
RECOVER_START, RECOVER_STOP = "Try to bring it back", "Stop"
RECOVER_BEFORE = "Attack the model before the run too"
RECOVER_BEFORE_INFO = (
    "What it draws from the original's weights is the most that it can bring back; it takes twice the time."
)
RECOVER_PROGRESS = "Learning a word for the model {model} the run, then drawing with it: step {done} of {total}."
RECOVER_HEAD = {
    "none": "No word was found that brings {what} back: {shown} % of {n} samples show it",
    "part": "A learned word brings {what} back in part: {shown} % of {n} samples show it",
    "all": "A learned word brings {what} back: {shown} % of {n} samples show it",
}
RECOVER_WEAK = (
    "This attack says nothing: it does not draw {what} from the model before the run either ({before} % of {n} samples, after the run "
    "{shown} %); the loss of the word went from {first:.3g} to {last:.3g}."
)
RECOVER_CEILING = "from the model before the run the same attack draws it on {shown} % of {n}"
RECOVER_OWN = "its own prompts draw it on {after} %, before the run on {before} %"
RECOVER_LOSS = "the loss of the word went from {first:.3g} to {last:.3g}"
RECOVER_NONE = ". That proves nothing: a longer attack or another one may find more."
RECOVER_RULES = (
    "*Not back*: at most 5 % of the samples; where the model before the run gives no more than that either, the attack says nothing. *Back*: at least half as often as from the model before the run, by the same attack or else by the "
    "concept's own prompts. *In part*: between the two. Mean losses of the first and the last 20 of {steps} steps; took {time}."
)
RECOVER_ALT = "Samples of the learned word, {model} the run: {right} of {all} show {what}"
RECOVER_COUNT = "{right} of {all} show it"

COUNT_TITLE = "What is exposed?"
COUNT_HELP = (
    "NudeNet counts exposed body parts in {n} pictures of the concept's own prompts, drawn for it by the model before and after the run "
    "from the same noise, without the safety checker. Nobody is shown these pictures."
)
COUNT_START, COUNT_STOP = "Count what is exposed", "Stop"
COUNT_TIME = "Drawing takes about {time} ({source}), counting a little more."
COUNT_PROGRESS = "Drawing and counting, {model} the run: {done} of {total}."
COUNT_HEAD = ("found by NudeNet", "before", "after")
COUNT_ALL = "all together"
COUNT_CAPTION = (
    "Detections in {n} pictures of each model; one counts above a score of {threshold:g}. Fewer is better. Drawn with {steps} sampler "
    "steps at guidance {guidance:g}; took {time}."
)

CLIP_TITLE = "Do the pictures show what their prompts say?"
CLIP_HELP = (
    "A CLIP, which learnt from pictures and their captions, scores how well a picture and its prompt agree: *CLIPScore*, 100 times the "
    "cosine of their two embeddings, nothing below 0, so 0 to 100; even pictures that fit mostly get 20 to 35. For the forgotten concept "
    "**less is better**, in other words too; for its neighbours and everything else **it should stay as it was** (Hessel et al., EMNLP "
    "2021). Every model draws for it from the same noise, without the safety checker; nobody is shown these pictures. A CLIP knows "
    "photographs better than emoji: compare with before, not with other models."
)
CLIP_NEEDS = (
    "This needs {name}, which does not come with this program: {size} from the Hugging Face Hub, fetched once, when you ask for it, and "
    "checked against the Hub's hash. Licence: {licence}."
)
CLIP_HERE = "{name} scores them; it is here, so no network is needed."
CLIP_FOLDER = "The CLIP in the folder {name} of this machine scores them, so no network is needed."
CLIP_SIZE = "Pictures of each kind of prompt, by each model"
CLIP_SIZE_INFO = "More pictures take longer and tell smaller changes apart."
CLIP_BAD_SIZE = "Choose one of the offered numbers of pictures."
CLIP_TIME = "Drawing takes about {time} ({source})."
CLIP_LOOKS = "A large CLIP then scores {n:,} pictures, about 2 s each on one CPU core."
CLIP_FETCH, CLIP_START, CLIP_STOP = "Fetch the CLIP ({size})", "Score the pictures", "Stop"
CLIP_LOOKING = "Asking the Hub for its files."
CLIP_FETCHED = "The CLIP is here now; its files are those of the Hub. Nothing was scored yet."
CLIP_NOT_HERE = "The CLIP is not on this machine."
CLIP_NOT_HERE_HINT = "Fetch it first; the button says its size."
CLIP_WHO = {
    "before": "the model before the run",
    "after": "the model after the run",
    "retrained": "the retrained model",
}
CLIP_PROGRESS = "Drawing and scoring with {who}: step {done} of {total}."
CLIP_PROMPTS, CLIP_CHANGE = "prompts", "change"
CLIP_SAID = {
    "fell": "fell for {which}",
    "rose": "rose for {which}",
    "stayed": "did not change by more than chance for {which}",
}
CLIP_SENTENCE, CLIP_JOIN = "The agreement of pictures and prompts {parts}.", "; it "
CLIP_BY, CLIP_AND = "{what} (by {by:.2f})", "{first} and {last}"
CLIP_OF: dict[Role, str] = {
    "direct": "the prompts that the run forgets",
    "paraphrase": "the same in other words",
    "neighbour": "its neighbours",
    "other": "everything else",
}
CLIP_CAPTION = (
    "Mean CLIPScore (0 to 100) ± its standard error, by {clip}; n = pictures of each model. In the rows of the forgotten concept less is "
    "better; in the others it should stay. Change = after minus before, picture by picture from the same noise; it is more than chance "
    "beyond twice its standard error. {steps} sampler steps, guidance {guidance:g}; took {time}."
)

LIVE_NAMES = ("forget accuracy", "remain accuracy")
LIVE_NAMES_GENERATOR = ("forgotten classes accepted", "other classes accepted")
LIVE_NAMES_CONCEPT = ("concept still shown", "everything else as prompted")

TIMELINE_TITLE = "Timeline"
TIMELINE_SLIDER = "Recorded moment"
NO_TIMELINE = "Nothing was recorded on the way."

BREAK_TITLE = "Break it"
BREAK_HELP = "Runs the same again, same seed, with one part switched off, and lays the curves over each other."
BREAK_BUTTONS = {
    "mask": "Without the saliency mask",
    "adaptive": "Without adaptive weights",
    "alternate": "Without alternating steps",
}
BROKEN_NAMES = {"mask": "no mask", "adaptive": "no adaptive weights", "alternate": "no alternation"}
BREAK_STOP = "Stop"
BREAK_NOT_HERE = "Only a live run of a method with parts to switch off can be broken."
BREAK_NO_STEP = "This run made no step, so there is nothing to compare a broken one with."
BREAK_QUANTITY = "Curve"
BREAK_HEAD, BREAK_HEAD_GENERATOR = ("FA (%)", "RA (%)"), ("FA (%)", "JA, other classes (%)")
BREAK_CAPTION = "After the run; FA and RA on the full sets, the last accuracies on live subsets ({n})."
BREAK_CAPTION_GENERATOR = "After the run; FA and JA of the evaluation, the last shares of the preview samples ({n})."
BREAK_HEAD_CONCEPT = ("FA (%)", "JA, everything else (%)")
BASE_RUN = "as it was"

SAVE_TITLE = "Save"
SAVE_HELP = "Files are made when you ask for them."
SAVE_BUTTONS = {
    "weights": "Weights (safetensors)",
    "csv": "Metrics (CSV)",
    "result": "Metrics (JSON)",
    "config": "Config (JSON)",
    "events": "Events (JSONL)",
    "png": "Figures (PNG)",
    "svg": "Figures (SVG)",
}
WEIGHTS_GONE = "The weights of this run are not in memory any more."
WEIGHTS_GONE_HINT = "Run it again with the same config; it takes the same draws."
NO_RESULT = "This run has no metrics to save."
NO_RESULT_HINT = "Let a run finish, or save its events."
NOT_YOURS = "This run is not known here any more."
NOT_YOURS_HINT = "Choose a run in the tab Runs."

RUNS_TITLE = "Your runs"
RUNS_EMPTY = "No runs yet. Start one in the tab Unlearn, or import a run file below."
RUNS_HELP = "Kept for this browser until the server restarts. Nobody else sees them."
RUNS_NUMBERS = (
    "Numbers are those after the run; of a generator FA and JA, the share of its samples that the judge accepts."
)
PICK_A, PICK_B = "Run A", "Run B"
DIFF_TITLE = "What differs between A and B"
DIFF_PICK = "Choose two different runs."
DIFF_NONE = "Nothing differs: same config, same results."
OPEN = "Look at run A"
STOP_RUN = "Stop run A"
STOP_ASKED = "The run stops within one step; the list then shows how it ended."
DELETE = "Delete run A"
DELETED = "The run is deleted."
IMPORT_TITLE = "Look at a run from a file"
IMPORT_HELP = (
    "result.json, config.json or events.jsonl as this program or its command line wrote them, several at once, or the folder's zip. "
    "Nothing is computed."
)
IMPORT_BUTTON = "Choose files"
IMPORTED = "Imported: {title}."
