"""Every text of the header and of the tab Unlearn (its live view: text/live.py); nothing else on the page speaks."""

from __future__ import annotations

from sfr_core.configs import MAX_SEED
from sfr_core.data.concepts import ConceptKind

TITLE = "Unlearning Playground: watch a model forget"
SENTENCE = "Choose what a trained network should forget, and see its memory of it fade while the rest stays."
HONEST = "Approximate unlearning: not a guarantee of deletion"
HONEST_WHY = (
    "The method changes a trained network until it behaves as if it had never seen the chosen pictures. That can be measured, "
    "here against a model retrained without them, but not proven: traces may remain in the weights. Only retraining from scratch "
    "without the data removes them for certain."
)
TABS = {"unlearn": "Unlearn", "runs": "Runs"}

NO_MODELS = "No model is installed here. Fetch the repository again: git checkout -- assets."

MODEL_TITLE = "1. Model"
FORGET_TITLE = "2. What it should forget"
METHOD_TITLE = "3. Method"
SOURCES = {"bundled": "comes with this program", "own": "uploaded by you", "hub": "from the Hugging Face Hub"}
DATA_TITLES = {"fashion-mnist": "Fashion-MNIST", "emoji": "Emoji"}
ARCHITECTURES = {
    "SmallResNet": "residual network",
    "UNet2DModel": "U-Net",
    "DiTTransformer2DModel": "transformer",
    "UNet2DConditionModel": "U-Net",
    "StableDiffusionPipeline": "U-Net",
    "DiTPipeline": "transformer",
}
SAMPLING = "Draws with {steps} sampler steps (DDIM) at guidance {guidance:g}; pictures here are its samples"
SAMPLING_UNSEEN = "Draws with {steps} sampler steps (DDIM) at guidance {guidance:g}"
CARD_FROM = "{data}; licence {licence}; {source}"
CARD_HUB = "{repo} on the Hub, revision {revision}"
CARD_SOME_CLASSES = "pictures of {some} of its {all:,} classes"
CARD_PICTURES = "{train:,} training and {test:,} test pictures come with it; data {licence}"
CARD_NO_PICTURES = "No training pictures come with it. Data: {licence}"

UPLOAD_TITLE = "Bring your own classifier"
UPLOAD_ABOUT = (
    "A zip of pictures with one subfolder per class (or the folders train and test with such subfolders), and the classifier's "
    "weights as a safetensors file. Nothing is unpacked, no pickle is read. Both stay in this program's memory and a private "
    "folder until {kept} newer ones (or {bytes} of newer pictures) replace them, and only this page knows them: reload it, and you open them again."
)
UPLOAD_ZERO = (
    "Not on ZeroGPU: the worker that computes there never sees uploaded weights. Run this program on a machine of your own, "
    "or use its command line with --data, --weights and --architecture."
)
UPLOAD_DATA = "Pictures (.zip, at most {size})"
UPLOAD_WEIGHTS = "Weights (.safetensors, at most {size})"
UPLOAD_ARCHITECTURE = "Architecture"
UPLOAD_ARCHITECTURE_INFO = (
    "torchvision:NAME or timm:NAME (where timm is installed). Outputs in the order of the sorted folder names."
)
UPLOAD_SIZE = "Picture size in pixels"
UPLOAD_SIZE_INFO = "The side of the network's input; empty or 0 keeps the pictures' own."
UPLOAD_OPEN = "Open"
UPLOAD_NO_DATA = "No pictures are chosen. Upload a zip with one subfolder per class."
UPLOAD_NO_WEIGHTS = "No weights are chosen. Upload a safetensors file."
UPLOAD_BAD_NAME = "This is not the plain name of an architecture."
UPLOAD_BAD_NAME_HINT = (
    "Write torchvision:NAME or timm:NAME, for example torchvision:resnet18; other options work on the command line."
)
UPLOAD_BAD_SIZE = "The picture size is not a whole number from {low} to {high}."
UPLOAD_BAD_SIZE_HINT = "Give pixels, or leave it empty."
UPLOAD_TOO_LARGE = "{what} is larger than {size}."
UPLOAD_TOO_LARGE_HINT = "Use fewer or smaller pictures, a smaller network, or the command line."
UPLOAD_TOO_MANY = "{n} classes are more than the {most} that this page can show."
UPLOAD_DONE = (
    "Open: {classes} classes, {train:,} training and {test:,} test pictures of {height} × {width} pixels, {parameters} parameters. "
    "No retrained model is shipped for it; 'Retrain' among the methods trains one here."
)
RETRAIN_OFFER_UNKNOWN = "Retrain it here (time unknown)"

FORGET_LABEL = "Forget"
FORGET_KINDS = {
    "class": "Whole classes",
    "random": "A random share",
    "samples": "Chosen pictures",
    "concept": "A concept",
}
CLASS_LEGENDS = {
    "train": "Classes to forget (real training pictures; choose one or several)",
    "samples": "Classes to forget (pictures: the model's own samples; choose one or several)",
    "names": "Classes to forget (choose one or several)",
}
FIND_CLASS = "Find a class"
CONCEPT_LEGENDS = {
    "samples": "Concept to forget (pictures: the model's own samples; choose one)",
    "names": "Concept to forget (choose one)",
}
CONCEPT_OWN_LABEL = "Or a concept in your own words"
CONCEPT_OWN_INFO = "This model knows many words: name a thing or a style. It is used instead of the cards; leave it empty to choose a card."
CONCEPT_KINDS: dict[ConceptKind, str] = {
    "object": "Objects: one thing",
    "category": "Categories: a whole kind of things",
    "style": "Styles: a way of drawing, whatever the thing",
}
OWN_LOSSES = "In both variants this preset uses losses of ours, described here; the preset Published uses the authors'."
WAY_LEFT = (
    "The forget loss is the share of the way to another prediction that is left: 1 at the start, 0 at the goal, more than 1 where a step led "
    "astray."
)
DIPS = (
    "The others may fall for some steps and come back: a forgetting step disturbs them, and the steps that follow restore the original model's "
    "predictions for them."
)
REDIRECT_LABEL = "Draw this instead"
REDIRECT_INFO = "The prompt to draw where a prompt names the concept. Use words that the model was trained with."
REDIRECT_EACH = "Unchanged, every prompt of this style has its own: “{asked}” draws “{instead}”. A prompt that you write here is used for all of them."
REDIRECT_EMPTY = "There is no prompt to draw instead."
REDIRECT_EMPTY_HINT = "Write one under '2. What it should forget', for example: {prompt}"
REDIRECT_LONG = "The prompt to draw instead has {n} characters; {most} are the most."
REDIRECT_LONG_HINT = "Say it in fewer words."
REDIRECT_UNUSED = "{method} does not use it: it moves away from the concept, towards nothing in particular. What is drawn instead cannot be chosen."
SHARE_LABEL = "Share of the training pictures, in percent"
SHARE_INFO = "A larger share forgets more pictures, drawn at random from all classes."
SHARE_SEED_LABEL = "Seed of the draw"
SHARE_SEED_INFO = "Another number draws other pictures."
SAMPLES_LEGEND = "Training pictures to forget (choose as many as you like)"
SAMPLES_CLASS = "Show class"
SAMPLES_PREVIOUS = "Previous page"
SAMPLES_NEXT = "Next page"
SAMPLES_CLEAR = "Choose none"
SAMPLES_NONE = "No picture is chosen yet."
SAMPLES_COUNT = "{n} chosen: {rows}"

METHOD_LABEL = "Method"
PRESET_LABEL = "Preset"
PRESETS = {"quick": "Quick", "thorough": "Thorough", "published": "Published"}
VARIANT_LABEL = "Variant"
VARIANTS = {"official": "Official code", "paper": "As in the paper"}
ABLATION_TITLE = "Parts of the method (switch one off to see what it does)"
ADVANCED_TITLE = "Advanced"
PRESET_SOURCE = "Where the preset's numbers come from"
SOURCE_OF_VALUES = "{source}"
FORGET_GENERATOR = (
    "A generator forgets whole classes and should draw something else for them. Random shares and single pictures have no name that it "
    "could draw."
)
FORGET_CONCEPT = (
    "A text-to-image model forgets a concept: for its own prompts and in other words it should draw something else, and everything else as "
    "before."
)
DATA_FREE_ONLY = "It comes without training pictures, so it draws the pictures to forget and to keep itself before the run (data-free)."
DATA_SOURCE_LABEL = "Pictures to forget and to keep"
DATA_SOURCE_INFO = "Data-free: the network draws both sets itself before the run, for when no data is at hand."
DATA_SOURCES = {"shipped": "The training pictures shipped here", "data-free": "Data-free: its own samples"}
CANNOT_TITLE = "Methods that this model cannot do"
CANNOT = "{title}: {reason}"
CANNOT_REASON = "it needs {what}, which this model does not have"
CANNOT_RETRAIN = "hours of training; only the retrained model that is shipped is shown for comparison"
ABILITIES = {
    "Redirectable": "another class or prompt to move to",
    "Distillable": "class scores that a teacher can give",
    "Denoising": "noise to predict",
    "Restartable": "a network that can be trained anew in minutes; here that takes hours",
    "Promptable": "prompts",
}
RUN_FIELDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "seed": ("Seed of the run", "The same seed repeats the same run, another one draws other batches.", {}),
    "device": (
        "Device",
        "Auto takes the GPU where there is one.",
        {"auto": "Auto", "cpu": "CPU", "cuda": "NVIDIA GPU"},
    ),
    "precision": (
        "Precision",
        "Auto takes bf16 where it measures faster.",
        {"auto": "Auto", "fp32": "float32", "bf16": "bf16"},
    ),
    "memory": (
        "Memory",
        "Sparing takes less memory and more time: it recomputes activations and keeps frozen parts in half precision.",
        {"plain": "Normal", "spare": "Sparing"},
    ),
}
"""Label, help and choices of what every run has; a field without choices is a number."""
SEED_WANTED = f"Give a whole number from 0 to {MAX_SEED}."
SETTINGS = {
    "groups": {
        "main": "Most important",
        "forgetting": "Forgetting",
        "repair": "Repair",
        "mask": "Saliency mask",
        "optimiser": "Optimiser",
        "run": "The run",
    },
    "count": "({n} changed)",
    "back": "Back to {value}",
    "empty": "empty",
    "unreadable": "no number",
}
SETTINGS_RESET = "Reset what was changed"
RANGE = "From {low} to {high}."
RANGE_OPTIONAL = "From {low} to {high}, or empty."

REFERENCE_THERE = "A model retrained without it is shipped, so the result can be compared with the real thing."
REFERENCE_FEWER = (
    "A model retrained without it is shipped. It saw {reference:,} pictures, the original {original:,}, so it draws less well: "
    "it is the target for what is forgotten, not for the rest."
)
REFERENCE_MISSING = "No model retrained without exactly this is shipped, so there is no reference to compare with."
RETRAIN_OFFER = "Retrain it here ({time} of training)"
REFERENCE_GENERATOR = (
    "No retrained model is shipped for this choice (only for: {names}), so there is no reference to compare with; training one "
    "would take about {time} of computing, so it is not offered here."
)
TRAINED_ON = "Saw {seen:,} pictures in training, repeats counted"
TRAINED_REFERENCE = "the one retrained without {name} {seen:,}"
REFERENCE_PROXY = (
    "The paper compares with the method {method} instead, a stand-in for retraining, which you can run too."
)
REFERENCE_GENERATOR_NONE = "No retrained model of this generator is shipped, so there is no reference to compare with."

RUN_FIRST = "A run is in progress."
RUN_FIRST_HINT = "Stop it or wait until it ends."
UNLEARN = "Unlearn"
STOP = "Stop"
STOPPING = "Stopping…"
RESET = "Reset"
KEEP = "Keep this state"
ROLL_BACK = "Roll back"
STOPPED_CHOICE = "Stopped after step {step}. Keep the half-forgotten network and compare it, or go back to how it was?"
KEPT = "Kept the network as it was after step {step}."
ROLLED_BACK = "Rolled back: the network is as it was before the run."

EXPECT = "This run: about {time}"
EXPECT_UNKNOWN = "This run: time unknown"
EXPECT_UNKNOWN_WHY = "a first run here will measure it"
EXPECT_FROM = {
    "measured": "measured by the last run of this method here",
    "recorded": "from the recorded run on such a machine",
    "card": "from this model's training time; measured here after a first run",
}
EXPECT_CARD_MACHINE = "The card's training time was measured on: {machine}."
BADGE_CPU = "CPU, {n} {cores}"
BADGE_CORES = ("core", "cores")
BADGE_ZERO = "ZeroGPU"
HARDWARE = "Hardware"
TIME = "Time"

CHOOSE_CLASS = "No class is chosen. Choose at least one picture card under '2. What it should forget'."
CHOOSE_CONCEPT = "No concept is chosen. Choose a card under '2. What it should forget'."
CHOOSE_SAMPLES = "No picture is chosen. Click at least one training picture."
NOT_LOADED = "This page has not finished loading. Reload it and try again."
NOT_YOURS = "This run is not known here. Runs are kept for a while and belong to the browser that started them."
TITLE_CANNOT = "This cannot be done"
TITLE_FAILED = "The run failed"

NOTHING_YET = "Nothing has run yet"
RECORDED_SUMMARY = "{method} forgets {what}"
REDIRECTED = "{what} and draws “{prompt}” instead"
FORGETS_CLASS = "{names}"
FORGETS_SHARE = "a random {share:g} % of the training pictures (draw {seed})"
FORGETS_ROWS = {1: "1 chosen picture", 2: "{n} chosen pictures"}


def duration(seconds: float) -> str:
    """A time as people say it: "0.4 s", "12 s", "3 min 5 s", "1 h 12 min"."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def about(seconds: float) -> str:
    """A rough time, rounded so that it promises no more than it knows."""
    if seconds < 10:
        return duration(max(1, round(seconds))).replace(".0", "")
    if seconds < 60:
        return f"{5 * round(seconds / 5)} s"
    return f"{round(seconds / 60)} min" if seconds < 3600 else duration(60 * round(seconds / 60))


def size(n: float) -> str:
    """Bytes as people say them: "812 kB", "1.3 GB"."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= scale:
            return f"{n / scale:.1f} {unit}" if n / scale < 10 else f"{n / scale:.0f} {unit}"
    return f"{n:.0f} bytes"


def count(n: int) -> str:
    """A number of parameters: "290,000" or "1.2 million"."""
    return f"{n / 1e6:.1f} million" if n >= 1e6 else f"{n:,}"
