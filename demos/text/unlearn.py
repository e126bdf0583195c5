"""Every text of the header and of the tab Unlearn (its live view: text/live.py); nothing else on the page speaks."""

from __future__ import annotations

from sfr_core.configs import MAX_SEED
from sfr_core.data.concepts import ConceptKind

TITLE = "Unlearning Playground: watch a model forget"
SENTENCE = "Choose what a trained network should forget, and watch it fade."
LESSON = "Classroom view: only the choice, the pictures and the result."
LESSON_WHOLE = "Show the whole page"
HONEST = "Approximate unlearning: not a guarantee of deletion"
HONEST_WHY = (
    "The method changes a trained network until it behaves as if it had never seen the chosen pictures. This can be measured, where possible against a model retrained without them. It cannot be proven: traces may remain in the weights. Only retraining from scratch "
    "without the data is sure to remove them."
)
TABS = {"unlearn": "Unlearn", "compare": "Compare methods", "learn": "Learn", "runs": "Runs"}

NO_MODELS = "No model is installed here. Fetch the repository again: git checkout -- assets."

MODEL_TITLE = "1. Model"
FORGET_TITLE = "2. Forget"
METHOD_TITLE = "3. Method"
SOURCES = {"bundled": "comes with this program", "own": "uploaded by you", "hub": "from the Hugging Face Hub"}
DATA_TITLES = {"fashion-mnist": "Fashion-MNIST", "emoji": "Emoji"}
ARCHITECTURES = {
    "SmallResNet": "Residual network",
    "UNet2DModel": "U-Net",
    "DiTTransformer2DModel": "Transformer",
    "UNet2DConditionModel": "U-Net",
    "StableDiffusionPipeline": "U-Net",
    "DiTPipeline": "Transformer",
}
SAMPLING = "Draws with {steps} sampler steps (DDIM) at guidance {guidance:g}; the pictures here are its samples"
SAMPLING_UNSEEN = "Draws with {steps} sampler steps (DDIM) at guidance {guidance:g}"
CARD_ABOUT = "{network}, {parameters} parameters ({size})"
CARD_MORE = "More about this model"
CARD_FROM = "Data: {data}. Licence: {licence}. Source: {source}"
CARD_HUB = "{repo} on the Hub, revision {revision}"
CARD_SOME_CLASSES = "pictures of {some} of its {all:,} classes"
CARD_PICTURES = "Comes with {train:,} training and {test:,} test pictures; data {licence}"
CARD_NO_PICTURES = "Comes without training pictures. Data: {licence}"

UPLOAD_TITLE = "Your own classifier"
UPLOAD_ABOUT = (
    "Upload a zip of pictures with one subfolder per class (or the folders train and test with such subfolders), and the classifier's "
    "weights as a safetensors file. Nothing is unpacked and no pickle is read. Both stay in this program's memory and a private "
    "folder until {kept} newer uploads (or {bytes} of newer pictures) replace them. Reloading this page forgets them; upload them again."
)
UPLOAD_ZERO = (
    "Not available on ZeroGPU, where the computing process cannot see uploads. Run this program on your own machine, "
    "or use its command line with --data, --weights and --architecture."
)
UPLOAD_DATA = "Pictures (.zip, at most {size})"
UPLOAD_WEIGHTS = "Weights (.safetensors, at most {size})"
UPLOAD_ARCHITECTURE = "Architecture"
UPLOAD_ARCHITECTURE_INFO = "torchvision:NAME or timm:NAME (where timm is installed)."
UPLOAD_SIZE = "Picture size in pixels"
UPLOAD_SIZE_INFO = "Width and height of the network's input. 0 keeps the size of the pictures."
UPLOAD_OPEN = "Open"
UPLOAD_STOP = "Stop"
UPLOAD_WAITING = "Waiting: other visitors' files are being opened."
UPLOAD_READING = "Reading the pictures"
UPLOAD_CHECKING = "Building the network and computing its predictions"
UPLOAD_STOPPED = "Stopped; nothing was opened."
UPLOAD_LATE = "Opening took longer than {time} and was stopped. Use fewer or smaller pictures, or the command line."
UPLOAD_ADVICE = "Check the files and try again."
RECOGNISED = "It recognises {share} % of its training pictures ({n:,} looked at)."
RECOGNISED_NONE = "That is hardly more than a guess."
RECOGNISED_CHECK = (
    "Check under “How pictures are read” the order of classes, mean and standard deviation, size and crop."
)
ANYWAY = "Unlearn anyway: this network hardly recognises its own training pictures"
ANYWAY_INFO = "Nothing can be forgotten that was never known. Check how its pictures are read first."
ANYWAY_FIRST = "This network hardly recognises its own training pictures."
ANYWAY_FIRST_HINT = "Check how its pictures are read, or confirm above the button that you want to unlearn anyway."
READING_TITLE = "How pictures are read"
READING_ORDER = "Order of classes (as your training sorted the folders)"
READING_ORDERS = {"alphabetical": "Alphabetical (1, 10, 2)", "natural": "Natural (1, 2, 10)"}
READING_BAD_ORDER = "The order of classes is alphabetical or natural."
READING_MEAN = "Mean"
READING_MEAN_INFO = (
    "For pixel values from 0 to 1: one number, or three separated by commas. Empty: computed from your pictures."
)
READING_STD = "Standard deviation"
READING_STD_INFO = "In the same form. Give the values that your network was trained with."
READING_BAD_NUMBERS = "{label} takes one number, or three with commas."
READING_BAD_NUMBERS_HINT = "For example 0.485, 0.456, 0.406."
READING_CROP = "Centre crop (share of the side)"
READING_CROP_INFO = "0.875 means: resize to 256, crop 224. 0 stretches the whole picture."
READING_BAD_CROP = "The centre crop must be above 0 and at most 1, or 0 for none."
READING_BAD_CROP_HINT = "Give for example 0.875, or 0."
READING_BACKGROUND = "Behind transparency"
READING_BACKGROUND_INFO = "The colour, or #rrggbb."
READING_COLOURS = ("White", "Black", "Grey")
UPLOAD_NO_DATA = "No pictures are chosen. Upload a zip with one subfolder per class."
UPLOAD_NO_WEIGHTS = "No weights are chosen. Upload a safetensors file."
UPLOAD_BAD_NAME = "This is not the name of an architecture."
UPLOAD_BAD_NAME_HINT = (
    "Write torchvision:NAME or timm:NAME, for example torchvision:resnet18. Other options are on the command line."
)
UPLOAD_BAD_SIZE = "The picture size is not a whole number from {low} to {high}."
UPLOAD_BAD_SIZE_HINT = "Give pixels, or 0."
UPLOAD_TOO_LARGE = "{what} is larger than {size}."
UPLOAD_TOO_LARGE_HINT = "Use fewer or smaller pictures, a smaller network, or the command line."
UPLOAD_TOO_MANY = "This page can show at most {most} classes; these are {n}."
UPLOAD_DONE = (
    "Opened: {classes} classes, {train:,} training and {test:,} test pictures of {height} × {width} pixels, {parameters} parameters. "
    "To compare with a retrained model, choose the method 'Retrain' once, or upload one below Unlearn."
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
    "train": "Choose one or several classes (training pictures)",
    "samples": "Choose one or several classes (the model's own samples)",
    "names": "Choose one or several classes",
}
FIND_CLASS = "Find a class"
CONCEPT_LEGENDS = {
    "samples": "Choose a concept (the model's own samples)",
    "names": "Choose a concept",
}
CONCEPT_OWN_LABEL = "Or a concept in your own words"
CONCEPT_OWN_INFO = "Name a thing or a style. Leave this empty to choose a card instead."
CONCEPT_KINDS: dict[ConceptKind, str] = {
    "object": "Objects",
    "category": "Categories",
    "style": "Styles",
}
WAY_LEFT = "Forget loss: 1 = nothing forgotten yet, 0 = fully redirected. Above 1, a step went the wrong way."
DIPS = (
    "The others may fall for a few steps and then recover: a forgetting step disturbs them, and the steps after it restore what the original model "
    "predicted for them."
)
REDIRECT_LABEL = "Draw this instead"
REDIRECT_INFO = "Words that the model was trained with"
REDIRECT_EACH = "By default each prompt of this style has its own replacement: “{asked}” draws “{instead}”. A prompt that you write here replaces all of them."
REDIRECT_EMPTY = "There is no prompt to draw instead."
REDIRECT_EMPTY_HINT = "Write one under '2. Forget', for example: {prompt}"
REDIRECT_LONG = "The prompt to draw instead has {n} characters; at most {most} are allowed."
REDIRECT_LONG_HINT = "Use fewer words."
REDIRECT_UNUSED = "{method} does not use this: it moves away from the concept without a goal, so you cannot choose what is drawn instead."
SHARE_LABEL = "Share of the training pictures (%)"
SHARE_INFO = "A larger share forgets more pictures, chosen at random from all classes."
SHARE_SEED_LABEL = "Seed of the selection"
SHARE_SEED_INFO = "Change the number for a different random selection."
SAMPLES_LEGEND = "Training pictures to forget (choose as many as you like)"
SAMPLES_CLASS = "Show class"
SAMPLES_PREVIOUS = "Previous page"
SAMPLES_NEXT = "Next page"
SAMPLES_CLEAR = "Clear the selection"
SAMPLES_NONE = "No picture is chosen yet."
SAMPLES_COUNT = "{n} chosen: {rows}"

METHOD_LABEL = "Method"
PRESET_LABEL = "Preset"
PRESETS = {"quick": "Quick", "thorough": "Thorough", "published": "Published"}
VARIANT_LABEL = "Variant"
VARIANTS = {"official": "Official code", "paper": "As in the paper"}
ABLATION_TITLE = "Parts of the method (switch one off to see what it contributes)"
ADVANCED_TITLE = "More settings"
METHOD_MORE = "About this method and preset"
FORGET_GENERATOR = (
    "A generator forgets whole classes and should draw something else for them. It cannot forget a random share or single pictures, because "
    "they have no name to ask for."
)
FORGET_CONCEPT = (
    "A text-to-image model forgets a concept: when a prompt names it, in whatever words, it should draw something else, and everything else as "
    "before."
)
FORGET_WHY = "What can it forget?"
DATA_FREE_ONLY = (
    "This model comes without training pictures, so it first draws its own pictures to forget and to keep (data-free)."
)
DATA_SOURCE_LABEL = "Pictures to forget and to keep"
DATA_SOURCE_INFO = "It can train on the shipped pictures, or on samples that it draws itself before the run, as one does where the training data are gone."
DATA_SOURCES = {"shipped": "Train on the shipped pictures", "data-free": "Train on its own samples"}
CANNOT_TITLE = "Methods not available for this model"
CANNOT = "{title}: {reason}"
CANNOT_REASON = "needs {what}, which this model does not have"
CANNOT_RETRAIN = "takes hours here; where a retrained model comes with this one, the page compares with it"
ABILITIES = {
    "Redirectable": "another class or prompt to move to",
    "Distillable": "class scores that a teacher can give",
    "Denoising": "noise to predict",
    "Restartable": "a network that can be retrained in minutes; this one takes hours",
    "Promptable": "prompts",
}
RUN_FIELDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "seed": (
        "Seed of the run",
        "The same seed repeats the same run; another one takes the pictures in another order.",
        {},
    ),
    "device": (
        "Device",
        "Auto uses the GPU if there is one.",
        {"auto": "Auto", "cpu": "CPU", "cuda": "NVIDIA GPU"},
    ),
    "precision": (
        "Precision",
        "Auto uses bf16 if it is faster here.",
        {"auto": "Auto", "fp32": "float32", "bf16": "bf16"},
    ),
    "memory": (
        "Memory",
        "Sparing uses less memory and more time: it recomputes activations and keeps frozen parts in half precision.",
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
    "back": "Reset to {value}",
    "empty": "empty",
    "unreadable": "not a number",
}
SETTINGS_RESET = "Reset all changes"
RANGE = "From {low} to {high}."
RANGE_OPTIONAL = "From {low} to {high}, or empty."

REFERENCE_WITHOUT = {"class": "this class", "concept": "this concept"}
REFERENCE_WITHOUT_PICTURES = "these pictures"
REFERENCE_THERE = "Compared with a model retrained without {what}."
REFERENCE_FEWER = (
    "Compared with a model retrained without {what}. It was trained on {reference:,} pictures, the original on {original:,}, so it "
    "draws less well: it is the goal for what is forgotten, not for the rest."
)
REFERENCE_MISSING = "No retrained model for this choice, so there is nothing to compare with."
REFERENCE_UPLOADED = "Compared with {name}, which you retrained without {what}. {known}"
REFERENCE_UPLOAD = "A retrained network of your own"
REFERENCE_FILE = "Retrained without exactly what is chosen to forget (.safetensors, at most {size})"
REFERENCE_CHECKING = "Reading the network and computing its predictions"
RETRAIN_OFFER = "Retrain it here (about {time})"
REFERENCE_REMOVE = "Remove this network"
REFERENCE_REMOVED = "Removed. Runs of this choice are compared with nothing now."
REFERENCE_NOTHING_TO_REMOVE = "There is none for this choice."
REFERENCE_GENERATOR = (
    "No retrained model for this choice (only for: {names}), so there is nothing to compare with. Training one "
    "takes hours, too long for this page."
)
TRAINED_ON = "Trained on {seen:,} pictures, with repeats"
TRAINED_REFERENCE = "the model retrained without {name} on {seen:,}"
REFERENCE_PROXY = (
    "The paper compares with the method {method} instead, a stand-in for retraining that you can run here too."
)
REFERENCE_GENERATOR_NONE = "No retrained model of this generator, so there is nothing to compare with."

RUN_FIRST = "A run is in progress."
RUN_FIRST_HINT = "Stop it or wait until it ends."
UNLEARN = "Unlearn"
STOP = "Stop"
STOPPING = "Stopping…"
RESET = "Reset"
KEEP = "Keep this state"
ROLL_BACK = "Roll back"
STOPPED_CHOICE = (
    "Stopped after step {step}. Keep this partly unlearned network and measure it, or roll back to the original?"
)
KEPT = "Kept the network after step {step}."
KEPT_NOT_MEASURED = "Its evaluation was stopped, so it was not measured in full."
ROLLED_BACK = "Rolled back: the network is the original again."

EXPECT = "about {time}"
EXPECT_WHY = "to the finished comparison"
EXPECT_WHY_LONG = "Measured with passes of this model on this machine, and corrected by the runs that ended here."
EXPECT_UNKNOWN = "time not known yet"
EXPECT_UNKNOWN_WHY = "measured when the run begins"
BADGE_CPU = "CPU, {n} {cores}"
BADGE_CORES = ("core", "cores")
BADGE_ZERO = "ZeroGPU"
HARDWARE = "Hardware"
TIME = "Time"

CHOOSE_CLASS = "No class is chosen. Choose at least one picture card under '2. Forget'."
CHOOSE_CONCEPT = "No concept is chosen. Choose a card under '2. Forget'."
CHOOSE_SAMPLES = "No picture is chosen. Click at least one training picture."
NOT_LOADED = "This page has not finished loading. Reload it and try again."
NOT_YOURS = "This run is not known here. Runs are kept for a while, and only the browser that started one can see it."
LOST_RESTARTED = "The server was restarted and this run is lost"
LOST_FORGOTTEN = "This run is no longer kept on the server"
LOST_FILLED = "{what}; its settings are in the form."
LOST_BARE = "{what}."
ZERO_LOST = "This Space's shared GPU did not make the run ({title}): {message}"
ZERO_BACK = "Come back in about {time}."
ZERO_LATER = "Try again later, choose fewer steps, or run this program on your own machine."
NOT_TAKEN = "The page sent something that its server does not take."
NOT_TAKEN_HINT = "Reload the page and choose again."
UNFORESEEN = "This"
UNFORESEEN_ADVICE = "Try again; if it fails again, reload the page."
NO_MEMORY = "There is too little free memory for this."
FAILED = "This did not work. Reload the page and try again."
TITLE_CANNOT = "This does not work"
TITLE_FAILED = "The run failed"

NOTHING_YET = "Nothing has run yet"
RECORDED_SUMMARY = "{method} forgets {what}"
REDIRECTED = "{what} and draws “{prompt}” instead"
FORGETS_CLASS = "{names}"
FORGETS_SHARE = "a random {share:g} % of the training pictures (selection {seed})"
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
