"""From a name on the Hub to what a session opens: a card and a folder, or a classifier with pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sfr_core.configs.pictures import PictureReading
from sfr_core.data.folder import MAX_ARRAY_BYTES, Progress
from sfr_core.data.public import public_mode
from sfr_core.errors import AssetError, ConfigError, HubError
from sfr_core.hub.concepts import write_concepts
from sfr_core.hub.describe import architecture_of, describe, says_architecture
from sfr_core.hub.fetch import Watch, fetch
from sfr_core.hub.headers import local_header
from sfr_core.hub.local import is_here, look_up_here
from sfr_core.hub.lone import lone_card
from sfr_core.hub.names import HubName, read_name
from sfr_core.hub.offers import OFFERS, offer_of
from sfr_core.hub.resolve import UNKNOWN, HubModel, resolve
from sfr_core.kinds import KINDS
from sfr_core.nets.named import as_in_run, with_reading
from sfr_core.nets.pipelines import sha256_of
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import ModelCard
from sfr_core.zoo.uploaded import UploadedModel, names_of_outputs, open_uploaded, unmeasured_card

UNSAID = (
    ", and --architecture with the network's name, for example torchvision:resnet18, as the repository does not say it"
)


def look_up(text: str) -> HubModel:
    """As `resolve`; on a public page only what is offered there, at the very revision.

    Raises:
        HubError: as `resolve`, or a model that a public page does not open.
    """
    if public_mode() and not _offered(read_name(text)):
        raise HubError(
            f"This page opens only the models that it offers: {', '.join(o.title for o in OFFERS)}.",
            hint="Run the program on your own machine for any other.",
        )
    return resolve(text)


def _offered(name: HubName) -> bool:
    """Whether this revision is offered: anybody can open a pull request on the Hub, which is a revision of the repository too."""
    offer = offer_of(name)
    if offer is None or name == offer.name:
        return offer is not None
    return not offer.name.pinned and resolve(offer.id).name == name


def open_generator(model: HubModel, watch: Watch | None = None) -> ModelCard:
    """Downloads a pipeline and makes its card known to the zoo; nothing is loaded yet.

    Args:
        watch: of the download, see fetch.py.

    Raises:
        HubError: as `fetch`, or a classifier.
    """
    kind = KINDS[model.kind]
    if not kind.draws:
        raise HubError(f"{model.name.repo} is a classifier.", hint="Give its pictures with --data.")
    folder = fetch(model, watch)
    if kind.pipeline is None:
        card = lone_card(model, folder)
        zoo.take_in_hub(card)
        return card
    if kind.prompts:
        write_concepts(folder)
    files = {
        f.path: f.sha256 or sha256_of(folder / f.path)
        for part in model.parts
        for f in part.weights
        if f.path.endswith(".safetensors")
    }
    trained = next(path for path in files if path.startswith(f"{model.trained}/"))
    bare = unmeasured_card(
        id=model.id,
        title=_title(model),
        kind=kind.id,
        summary="A pipeline in a folder on this machine." if model.name.local else "A model of the Hugging Face Hub.",
        dataset=model.name.repo,
        data_licence=UNKNOWN,
        licence=model.licence,
        source="local" if model.name.local else "hub",
        architecture={"name": str(model.config.get("_class_name"))},
        file=trained,
        bytes=model.bytes,
        sha256=files[trained],
        wall_seconds=None,
        folder=folder,
    )
    others = {path: sha256 for path, sha256 in files.items() if path != trained}
    parameters = sum(sum(local_header(folder / path).values()) for path in files)
    card = replace(bare, parameters=parameters, parts=others, sampling=kind.sampling)
    zoo.take_in_hub(card)
    return card


def opened_generator(model_id: str) -> ModelCard:
    """The card of a pipeline that is open here, else `open_generator` of it.

    Raises:
        HubError: as `look_up` and `open_generator`.
    """
    try:
        return zoo.card(model_id)
    except AssetError:
        here = model_id.startswith(zoo.LOCAL)
        return open_generator(look_up_here(model_id) if here else look_up(model_id))


def open_for_run(
    text: str,
    *,
    data: str | None,
    architecture: str | None,
    say: Callable[[str], None],
    repeats: PictureReading | None = None,
) -> ModelCard | UploadedModel:
    """What a command line names, its sizes told before the download.

    Args:
        text: see names.read_name, or the path of a pipeline's folder. data, architecture: of a classifier. say: takes a line for people.
        repeats: how the pictures were read in a run that is repeated.

    Raises:
        HubError: as `look_up`, `fetch` and `open_classifier`. ConfigError: an option that does not belong to it.
    """
    model = look_up_here(text) if is_here(text) else look_up(text)
    for line in describe(model).lines():
        say(line)
    if KINDS[model.kind].draws:
        if data or architecture:
            raise ConfigError(f"{model.name.repo} takes no pictures.", hint="Leave out --data and --architecture.")
        return open_generator(model)
    if not data:
        unsaid = "" if architecture or says_architecture(model) else UNSAID
        raise ConfigError(
            "--data is missing.",
            hint=f"A classifier of the Hub needs its pictures: add --data FOLDER (or a zip), one subfolder per class{unsaid}.",
        )
    own = open_classifier(model, data, architecture, repeats=repeats)
    names = own.dataset.class_names
    pictured = own.dataset.pictured
    if len(pictured) < len(names):
        say(f"pictures: of {len(pictured)} of its {len(names):,} classes, which the folders name")
    return own


def open_classifier(
    model: HubModel,
    data: str | Path,
    architecture: str | None = None,
    watch: Watch | None = None,
    *,
    reading: Mapping[str, str] | None = None,
    repeats: PictureReading | None = None,
    model_id: str = "",
    most_bytes: int = MAX_ARRAY_BYTES,
    progress: Progress | None = None,
) -> UploadedModel:
    """Downloads a classifier and opens it with a folder of pictures, whose subfolders are its classes, or some of them by its names.

    Args:
        architecture: see nets/named.py; None takes what the offer or the repository says.
        watch: of the download, see fetch.py.
        reading: arguments that say how pictures are read, in place of what the architecture says.
        repeats: as in `open_for_run`.
        model_id: of the card, default the model's; under another the card says what it is by `origin`.
        most_bytes: of all pictures in memory. progress: of reading them; what it raises ends it.

    Raises:
        HubError: as `fetch`, or an architecture that nobody names. AssetError: as `open_uploaded`.
    """
    shape = with_reading(architecture_of(model, architecture), reading or {})
    if repeats is not None:
        shape = as_in_run(shape, repeats, said=architecture is not None)
    weights = next(f.path for f in model.part("").weights)
    file = fetch(model, watch) / weights
    known = names_of_outputs(shape, file)
    own = open_uploaded(
        data, file, shape, model_id=model_id or model.id, known=known, most_bytes=most_bytes, progress=progress
    )
    card = replace(
        own.card,
        title=_title(model),
        summary="A classifier of the Hugging Face Hub.",
        licence=model.licence,
        source="hub",
        origin=model.id if model_id else "",
    )
    return replace(own, card=card)


def _title(model: HubModel) -> str:
    offer = offer_of(model.name)
    return model.name.repo if offer is None else offer.title
