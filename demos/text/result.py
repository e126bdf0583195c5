"""Every text of the part Compare and of the tab Runs."""

from __future__ import annotations

from sfr_core.data.concepts import Role

TITLE = "Result"
RULES_TITLE = "How this sentence is made"
TONES = {
    "forgotten": ("✓", "forgotten"),
    "partly": ("◐", "partly forgotten"),
    "kept": ("○", "not forgotten"),
    "damaged": ("!", "damaged"),
    "open": ("?", "no verdict"),
}
"""Sign and word for every tone of a summary."""

METRICS_TITLE = "All numbers"
METRICS_DEFINITIONS = "What these numbers mean"
NO_METRICS = "This run ended before its evaluation, so it was not measured in full. The timeline below shows what was measured on the way."
UNJUDGED = (
    "This model has no judge, so nobody counted what it draws. Compare the pictures below yourself: those in the same place "
    "start from the same noise."
)
UNJUDGED_NUMBERS = "Without a judge there are no numbers for the pictures; losses and mask are further below."
NO_RETRAINED = "No retrained model for this choice, so the columns *retrained* and *gap* are empty."
KL_FLOOR = "Two retrained models already differ from each other by {floor:.3f} nats; do not expect a smaller KL."

CONFUSION_TITLE = "Confusion and classes"
CONFUSION_HELP = "What each class is mistaken for, on the test set."
CONFUSION_SECOND = "Right-hand matrix"
CONFUSION_CHOICES = {"after": "After", "change": "Change (after minus before)", "retrained": "Retrained"}
NO_REPORTS = (
    "Predictions on single pictures are made at the end of a run and kept in memory as long as its weights; they are not saved in files. "
    "Run it again to the end to see them."
)
TABLE = "The numbers as a table"
LEFT_OUT = "Shown one by one: the {shown} classes that are forgotten or changed most. The other {left:,} share one row and one column."

SAMPLES_TITLE = "Single pictures"
NOT_FORGOTTEN = "Not forgotten"
OVER_FORGOTTEN = "Over-forgotten"
NOT_FORGOTTEN_HELP = "pictures of the forget set (training) that the model still classifies correctly{retrained}"
NOT_FORGOTTEN_RETRAINED = ", while the retrained model does not"
OVER_FORGOTTEN_HELP = "test pictures of what remains that were right before and are wrong after{retrained}"
OVER_FORGOTTEN_RETRAINED = ", while the retrained model has them right"
PICK_SAMPLE = "Click a picture to enlarge it."
AGREEMENT_TITLE = "Agreement with the retrained model"
AGREEMENT_HELP = "Share of pictures for which the model predicts the same class as the retrained one, right or wrong. Higher is closer."

SALIENCY_TITLE = "Saliency mask"
SALIENCY_SLIDER = "Threshold (further right keeps fewer weights)"
NO_MASK = "This run used no saliency mask."
MASK_NOT_MADE = "This run ended before its saliency mask was ready."

SUMMARY_BASIS = "Based on {forget} samples of the forgotten classes and {remain} of the others; {steps} sampler steps, guidance {guidance:g}."
SUMMARY_BASIS_CONCEPT = (
    "Based on {forget} samples of the concept's own prompts, {words} in other words, {near} of its neighbours and {far} of other "
    "concepts; {steps} sampler steps, guidance {guidance:g}."
)
METRICS_CAPTION = "Gap = after minus retrained. n = number of pictures measured."
METRICS_CAPTION_GENERATOR = (
    "Gap = after minus retrained. n = number of samples, drawn with {steps} sampler steps (DDIM) at guidance {guidance:g}. "
    "Few samples: one of {n} is {point:.1f} points. The distance is measured in the bundled judge's features; it is not FID."
)
NO_RETRAINED_GENERATOR = "No retrained model for this choice, so compare these numbers with those before."

FORGET_SET = "Forget set"
ANSWERS_LEGEND = "Each row shows the same pictures three times, with what each model takes them for: ✓ right, ✗ wrong."
ANSWERS_PERCENT = " Percent: test pictures of the class that are recognised."
ANSWERS_COUNT = "{percent} %"
ANSWER = "{name}, {percent} % sure"
ANSWER_RIGHT, ANSWER_WRONG = "{true} recognised", "{true} taken for {name}"
MODELS = {"before": "Before", "after": "After", "retrained": "Retrained"}
TO_FORGET = "to forget"
ROLES: dict[Role, str] = {
    "direct": TO_FORGET,
    "paraphrase": "to forget, in other words",
    "neighbour": "neighbour",
    "other": "",
}
"""What a prompt is to the forgotten concept."""
STRIPS_TITLE = "All samples"
SHARES_TITLE = "Does it still draw it?"
SHARES_HEAD = ("prompts", "before (%)", "after (%)", "95 % interval", "change", "n")
SHARES_ROWS: dict[Role, str] = {
    "direct": "The prompts that the run forgets",
    "paraphrase": "The same in other words",
    "neighbour": "Its neighbours",
    "other": "Distant concepts",
}
SHARES_CAPTION = (
    "Share of the samples that show what their prompt names. In the first two rows that is the forgotten concept, so lower is better; in the "
    "others it should stay, so higher is better. The interval tells where the share after the run probably lies, since the samples are few (Wilson)."
)
SHARES_NEVER = (
    "No prompt in other words worked before the run, so we cannot tell whether the concept is gone or only its name."
)
SHARES_PROMPTS = "Prompt by prompt, before the run"
SHARES_PROMPTS_CAPTION = (
    "How well the original model draws each prompt. Prompts in other words that show the concept on fewer than {least:.0f} % of the samples are "
    "left out above: they tell nothing about forgetting."
)
SHARES_PROMPTS_HEAD = ("prompt", "is", "shown before (%)")
SHARES_COUNTED = {True: "counts", False: "left out"}
STRIPS_LEGEND = (
    "Pictures in the same place start from the same noise. ✓ recognised as its class, ≠ as another class, ✗ as none. "
    "Counts are over {n}; {steps} sampler steps (DDIM), guidance {guidance:g}."
)
STRIPS_LEGEND_PROMPTS = (
    "Each row is one prompt; pictures in the same place start from the same noise. ✓ shows its prompt's subject, ≠ shows another prompt's "
    "subject, ✗ shows neither. Counts are over {n}; {steps} sampler steps (DDIM), guidance {guidance:g}."
)
STRIPS_LEGEND_UNJUDGED = (
    "Pictures in the same place start from the same noise. This model has no judge: decide for yourself what they show. {n}; {steps} sampler "
    "steps (DDIM), guidance {guidance:g}."
)
N_CONCEPT = "{n} samples of the concept's prompts"
N_FORGOTTEN = "{n} samples of the forgotten classes"
N_OTHERS = "{n} of the others"
NO_SAMPLES = (
    "Samples are drawn at the end of a run and kept in memory as long as its weights; they are not saved in files. The timeline shows "
    "what was recorded. Run it again to the end to see the rest."
)
UNDRAWN = (
    "There was too little memory to draw all samples at the end of this run. Its weights are complete; the timeline shows what was recorded "
    "before."
)
PAIR_TITLE = "One over the other"
PAIR = {
    "left": "Left",
    "right": "Right",
    "difference": "Show the difference instead",
    "slider": "Where the left model's pictures end and the right one's begin",
    "row": "asked for",
    "pictures": "samples from the same noise",
    "head": "mean difference (gray levels of 255)",
    "alt": "{title}, drawn by {model}",
    "altDifference": "{title}: difference of {left} and {right}; the number is beside it",
    "valueText": "{left} on the left {at} percent, {right} on the rest",
    "caption": "Left of the line: {left}; right of it: {right}. Move the slider to move the line.",
    "captionDifference": "Black where {left} and {right} draw the same; the brighter, the more they differ.",
}
PLAY_TITLE = "Draw more"
PLAY_HELP = (
    "Let the same models draw again with other noise, steps or guidance. More steps are finer and slower. Guidance 0 ignores the "
    "class or prompt, 1 follows it as learnt, more exaggerates it."
)
PLAY_STEPS, PLAY_GUIDANCE, PLAY_SEED = "Sampler steps", "Guidance", "Seed of the noise"
PLAY_WHAT, PLAY_WHAT_PROMPTS = "Classes", "Prompts"
PLAY_CHOICES = {"forgotten": "The forgotten ones", "all": "All"}
PLAY_DRAW, PLAY_STOP = "Draw", "Stop"
PLAY_WAITING = "Waiting for the current run to finish."
PLAY_PROGRESS = "Drawing with {model}: step {done} of {total}."
PLAY_STOPPED = "Stopped. Nothing was changed."
PLAY_LATE = "Stopped after {time}, the time limit here. Nothing was changed. Ask for less, or run this program on your own machine."
PLAY_DONE = "{n} samples a model, {steps} steps, guidance {guidance:g}, seed {seed}; {seconds} in all."
PLAY_BAD_STEPS = "Choose one of the listed numbers of sampler steps."
PLAY_BAD_GUIDANCE = "The guidance must be a number from 0 to 8."
PLAY_ZERO = "On this shared GPU a run's weights are gone when it ends, so nothing can be drawn afterwards. Save them, or use your own machine."
PLAY_GONE = "The weights of this run are no longer in memory. Run it again to draw more."

RECOVER_TITLE = "Can it be brought back?"
RECOVER_HELP = (
    "An attacker who has the weights and pictures of the concept searches for a made-up word that draws it again; no weight is changed. "
    "If that works, the model has forgotten the name but not the concept (Pham et al., ICLR 2024)."
)
RECOVER_TIME = "Takes about {one} for a model ({source}). The original and the retrained model are attacked too, once on this machine."
RECOVER_TIME_UNKNOWN = "Time unknown: nothing was measured with this model yet."
RECOVER_FROM = {
    "attack": "measured by the last attack here",
    "pace": "from passes that were timed on this machine",
}
RECOVER_NO_JUDGE = "This model has no judge, so nobody can tell whether the concept is back."
RECOVER_START, RECOVER_STOP = "Try to bring it back", "Stop"
RECOVER_PROGRESS = "Learning a word for {model} and drawing with it: step {done} of {total}."
RECOVER_MODEL = {"after": "the unlearned model", "retrained": "the retrained model", "before": "the original model"}
RECOVER_HEAD = {
    "none": "No word was found that brings {what} back: {shown} % of {n} samples show it",
    "unseen": "A learned word brings back no more of {what} than from a model that never saw it: {shown} % of {n} samples show it",
    "part": "A learned word brings {what} back in part: {shown} % of {n} samples show it",
    "all": "A learned word brings {what} back: {shown} % of {n} samples show it",
}
RECOVER_WEAK = (
    "This attack says nothing: it does not draw {what} from the original model either ({before} % of {n} samples, from the unlearned model "
    "{shown} %); the loss of the word went from {first:.3g} to {last:.3g}."
)
RECOVER_RETRAINED = "the same attack on the model retrained without it: {shown} %"
RECOVER_BEFORE = "on the original model: {shown} %"
RECOVER_OWN = "its own prompts show it on {after} %, before the run on {before} %"
RECOVER_LOSS = "the loss of the word went from {first:.3g} to {last:.3g}"
RECOVER_NONE = ". That proves nothing: a longer attack or another one may find more."
RECOVER_RULES = (
    "*Not back*: at most 5 % of the samples show it. If the original model gives no more either, the attack says nothing. *No more than from a model that "
    "never saw it*: at most 5 points above the retrained model. *Back*: at least half as often as from the original model. *In part*: in between. Losses are "
    "means over the first and the last 20 of {steps} steps; took {time}."
)
RECOVER_ALT = "Samples of the learned word from {model}: {right} of {all} show {what}"
RECOVER_COUNT = "{right} of {all} show it"

COUNT_TITLE = "What is exposed?"
COUNT_HELP = (
    "NudeNet counts exposed body parts in {n} pictures of the concept's own prompts, drawn by the model before and after the run "
    "from the same noise, without the safety checker. These pictures are never shown."
)
COUNT_START, COUNT_STOP = "Count what is exposed", "Stop"
COUNT_TIME = "Drawing takes about {time} ({source}), counting a little longer."
COUNT_PROGRESS = "Drawing and counting, {model} the run: {done} of {total}."
COUNT_HEAD = ("found by NudeNet", "before", "after")
COUNT_ALL = "all together"
COUNT_CAPTION = (
    "Detections above a score of {threshold:g} in {n} pictures of each model. Fewer is better. Drawn with {steps} sampler "
    "steps at guidance {guidance:g}; took {time}."
)

CLIP_TITLE = "Do the pictures show what their prompts say?"
CLIP_HELP = (
    "CLIP, a network trained on pictures and their captions, scores how well a picture fits its prompt: *CLIPScore*, 100 times the "
    "cosine of their two embeddings, from 0 to 100; pictures that fit well mostly get 20 to 35. For the forgotten concept "
    "**lower is better**, in other words too; for its neighbours and distant concepts **it should stay the same** (Hessel et al., EMNLP "
    "2021). Every model draws from the same noise, without the safety checker; these pictures are never shown. CLIP knows "
    "photographs better than emoji: compare with before, not with other models."
)
CLIP_NEEDS = (
    "This needs {name}, which does not come with this program. It is downloaded once from the Hugging Face Hub when you ask for it ({size}) and "
    "checked against the Hub's hash. Licence: {licence}."
)
CLIP_HERE = "Scored by {name}, which is already on this machine."
CLIP_FOLDER = "Scored by the CLIP in the folder {name} of this machine."
CLIP_SIZE = "Pictures per kind of prompt and model"
CLIP_SIZE_INFO = "More pictures take longer and reveal smaller changes."
CLIP_BAD_SIZE = "Choose one of the listed numbers of pictures."
CLIP_TIME = "Drawing takes about {time} ({source})."
CLIP_LOOKS = "CLIP then scores {n:,} pictures, about 2 s each on one CPU core."
CLIP_FETCH, CLIP_START, CLIP_STOP = "Download CLIP ({size})", "Score the pictures", "Stop"
CLIP_LOOKING = "Asking the Hub for its files."
CLIP_FETCHED = "CLIP is downloaded and verified. Nothing is scored yet."
CLIP_NOT_HERE = "CLIP is not on this machine."
CLIP_NOT_HERE_HINT = "Download it first; the button says how large it is."
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
    "stayed": "did not change beyond chance for {which}",
}
CLIP_SENTENCE, CLIP_JOIN = "The agreement of pictures and prompts {parts}.", "; it "
CLIP_BY, CLIP_AND = "{what} (by {by:.2f})", "{first} and {last}"
CLIP_OF: dict[Role, str] = {
    "direct": "the prompts that the run forgets",
    "paraphrase": "the same in other words",
    "neighbour": "its neighbours",
    "other": "distant concepts",
}
CLIP_CAPTION = (
    "Mean CLIPScore (0 to 100) ± standard error, by {clip}; n = pictures of each model. For the forgotten concept lower is "
    "better; the rest should stay. Change = after minus before, picture by picture from the same noise; changes within twice "
    "the standard error may be chance. {steps} sampler steps, guidance {guidance:g}; took {time}."
)

LIVE_NAMES = ("forget accuracy", "remain accuracy")
LIVE_NAMES_GENERATOR = ("forgotten classes recognised", "other classes recognised")
LIVE_NAMES_CONCEPT = ("concept still shown", "everything else as prompted")

TIMELINE_TITLE = "Timeline"
TIMELINE_SLIDER = "Recorded moment"
NEAREST = "Step {step} is nearest to the retrained model: {numbers} on the forget set and on the rest (retrained: {goal}; live numbers, n = {n})."
NEAREST_IS = (
    "This result is step {step}, the nearest to the retrained model: {numbers} on the forget set and on the rest (retrained: {goal}; live "
    "numbers, n = {n})."
)
KEEP_MOMENT, KEEP_LAST = "Keep step {step} as the result", "Go back to the last step ({step})"
MOMENT_TOO_LARGE = (
    "Only the last step of this run can be kept: its weights take {size} a step, too much to hold several."
)
NO_TIMELINE = "Nothing was recorded on the way."

BREAK_TITLE = "Break it"
BREAK_HELP = (
    "Repeats this run from the same seed with one part of the method switched off, and draws both curves in one chart."
)
BREAK_BUTTONS = {
    "mask": "Without the saliency mask",
    "adaptive": "Without adaptive weights",
    "alternate": "Without alternating steps",
}
BROKEN_NAMES = {"mask": "no mask", "adaptive": "no adaptive weights", "alternate": "no alternation"}
BREAK_STOP = "Stop"
BREAK_NOT_HERE = "Available for live runs of methods with switchable parts."
BREAK_NO_STEP = "This run made no step, so there is nothing to compare with."
BREAK_QUANTITY = "Curve"
BREAK_HEAD = ("Forget accuracy (FA) %", "Remain accuracy (RA) %")
BREAK_HEAD_GENERATOR = ("Forget accuracy (FA) %", "Judge accuracy, other classes (JA) %")
BREAK_CAPTION = "After the run. FA and RA (accuracy on forget and remain set) on all pictures; the last columns are the live numbers ({n})."
BREAK_CAPTION_GENERATOR = "After the run. FA and JA (recognised samples of the forgotten and the other classes) from the evaluation; the last columns from the previews ({n})."
BREAK_HEAD_CONCEPT = ("Forget accuracy (FA) %", "Judge accuracy, everything else (JA) %")
BASE_RUN = "as it was"

SAVE_TITLE = "Save"
SAVE_HELP = "A file is made when you click."
SAVE_BUTTONS = {
    "weights": "Weights (safetensors)",
    "csv": "Metrics (CSV)",
    "result": "Metrics (JSON)",
    "report": "Report (HTML)",
    "config": "Config (JSON)",
    "events": "Events (JSONL)",
    "rows": "Rows and files (CSV)",
    "png": "Figures (PNG)",
    "svg": "Figures (SVG)",
}
WEIGHTS_GONE = "The weights of this run are no longer in memory."
WEIGHTS_GONE_HINT = "Run it again with the same config; the same seed gives the same weights."
NO_RESULT = "This run has no metrics to save."
NO_FILES = "The pictures of this run came from no files."
NO_RESULT_HINT = "Let the run finish, or save its events."
NOT_YOURS = "This run is no longer known here."
NOT_YOURS_HINT = "Choose a run in the tab Runs."

RUNS_TITLE = "Your runs"
RUNS_EMPTY = "No runs yet. Start one in the tab Unlearn, or import a run file below."
RUNS_EXPECTED = "about {seconds:.0f}"
RUNS_HELP = "Kept for this browser until the server restarts. Nobody else sees them."
RUNS_NUMBERS = (
    "Numbers are those after the run; for a generator, the shares of its samples that the judge recognises (FA and JA). "
    "Time is counted from the start of the run to the finished comparison."
)
PICK_A, PICK_B = "Run A", "Run B"
DIFF_TITLE = "What differs between A and B"
DIFF_PICK = "Choose two different runs."
DIFF_NONE = "No difference: same config, same results."
OPEN = "Look at run A"
STOP_RUN = "Stop run A"
STOP_ASKED = "The run stops within one step; the list then shows how it ended."
DELETE = "Delete run A"
DELETE_SURE = "Delete **{title}**? Its weights, log and results are lost."
DELETE_YES, DELETE_NO = "Delete it", "Keep it"
DELETED = "The run is deleted."
IMPORT_TITLE = "Look at a run from a file"
IMPORT_HELP = (
    "Choose result.json, config.json or events.jsonl written by this program (one or several), or a zip of the run's folder. "
    "Nothing is computed."
)
IMPORT_BUTTON = "Choose files"
IMPORTED = "Imported: {title}."
