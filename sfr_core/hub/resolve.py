"""What a name on the Hub stands for, before anything large is downloaded: kind, commit, files, licence, sizes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from sfr_core.errors import HubError, quoted
from sfr_core.hub.files import ROOT, HubFile, Part, check_whole, classifier_part, pipeline_parts, write_whole
from sfr_core.hub.headers import LARGE, LORA_FILES, a_checkpoint, a_lora, refuse_no_model, remote_header
from sfr_core.hub.names import HubName, clear_errors, read_name
from sfr_core.hub.offers import offer_of
from sfr_core.kinds import KINDS
from sfr_core.kinds.classifier import KIND as CLASSIFIER
from sfr_core.nets.pipelines import OPTIONAL, lists

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

UNKNOWN = "not stated"
KNOWN = "model.json"
SECONDS = 10.0
"""Patience with the Hub's answers about a repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubModel:
    """A model on the Hub at one commit.

    Attributes:
        name: repository and commit hash; its text is the identifier that a RunConfig holds.
        kind: kind of model (ModelCard.kind).
        trained: name of the part that forgets; "" for a classifier.
        parts: with their weights. root: files beside them.
        licence: as the repository states it.
        gated: the owner asks everybody to accept terms before a download.
        config: model_index.json of a pipeline, config.json of a classifier ({} where there is none).
        converted: the files are those that `convert` made here of the repository's pickles.
    """

    name: HubName
    kind: str
    trained: str
    parts: tuple[Part, ...]
    root: tuple[HubFile, ...]
    licence: str
    gated: bool
    config: dict[str, Any]
    converted: bool = False

    @property
    def id(self) -> str:
        return str(self.name)

    @property
    def files(self) -> tuple[HubFile, ...]:
        """Everything that is downloaded."""
        return (*self.root, *(f for part in self.parts for f in (*part.others, *part.weights)))

    @property
    def bytes(self) -> int:
        """Size of the download, bytes."""
        return sum(f.size for f in self.files)

    @property
    def pickles(self) -> tuple[HubFile, ...]:
        """Weights that are pickles and have to be converted before the model can be opened."""
        return tuple(f for part in self.parts if part.pickled for f in part.weights)

    @property
    def absent(self) -> tuple[str, ...]:
        """Parts of a pipeline that its model_index.json lists and that are not there, which it is opened without."""
        there = {part.name for part in self.parts}
        return tuple(name for name in OPTIONAL if lists(self.config.get(name)) and name not in there)

    def part(self, name: str) -> Part:
        """The part of this name."""
        return next(part for part in self.parts if part.name == name)


def cache_folder() -> Path:
    """Where huggingface_hub keeps what it downloads (HF_HOME, HF_HUB_CACHE)."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def snapshot_folder(name: HubName) -> Path:
    """The folder in which a commit's files lie once they are downloaded."""
    return cache_folder() / f"models--{name.repo.replace('/', '--')}" / "snapshots" / name.revision


def own_folder(name: HubName) -> Path:
    """Where this program keeps what it knows and makes of a commit: huggingface_hub's place for that (HF_HOME)."""
    from huggingface_hub import constants

    own = Path(constants.HF_ASSETS_CACHE) / "unlearning-playground"
    if name.local:
        return own / "local" / name.repo / name.revision
    return own / name.repo.replace("/", "--") / name.revision / name.file


def remember(model: HubModel) -> None:
    """Notes beside the cache what is known of a downloaded model, hashes included, so that it needs no network again."""
    folder = own_folder(model.name)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / KNOWN, json.dumps(asdict(model), indent=1) + "\n")


def recall(name: HubName) -> HubModel | None:
    """What `remember` noted of a commit; None where there is nothing, or nothing that this version reads."""
    try:
        model = TypeAdapter(HubModel).validate_json((own_folder(name) / KNOWN).read_bytes())
    except (OSError, ValueError):
        return None
    return model if model.name == name else None


def resolve(text: str, *, known: bool = True) -> HubModel:
    """Looks up a model; only its index of a few kilobytes is downloaded.

    A branch or tag becomes the commit that it names now (without a network: that it named last). A commit whose files are
    here needs no network.

    Args:
        text: see names.read_name.
        known: take what an earlier download or conversion noted of this commit.

    Raises:
        HubError: unknown, gated, private or unreachable, or nothing that can be opened here.
    """
    name = read_name(text)
    pinned = pin(name)
    noted = recall(pinned) if known else None
    if noted is not None:
        return noted
    files, licence, gated = listing(pinned)
    by_path = {f.path: f for f in files}
    if "model_index.json" in by_path:
        index = small_json(pinned, "model_index.json")
        return of_pipeline(pinned, index, files, licence=licence, gated=gated)
    for file in LORA_FILES & by_path.keys():
        raise a_lora(f"{file} of {name.repo}")
    try:
        part = classifier_part(files, name.file)
    except HubError:
        for found in files:
            if found.size > LARGE:  # rather several checkpoints than several classifiers
                _refuse_no_model(pinned, found)
        raise
    config = small_json(pinned, "config.json") if "config.json" in by_path else {}
    if "architecture" not in config:
        if "model_type" in config or "architectures" in config:
            raise HubError(
                f"{name.repo} is a model of transformers, which cannot be opened here.",
                hint="Choose a classifier of timm or torchvision.",
            )
        if offer_of(pinned) is None:
            _refuse_no_model(pinned, part.weights[0])
    root = tuple(by_path[path] for path in ROOT if path in by_path)
    return HubModel(
        name=pinned,
        kind=CLASSIFIER.id,
        trained="",
        parts=(part,),
        root=root,
        licence=licence,
        gated=gated,
        config=config,
    )


def of_pipeline(
    name: HubName, index: dict[str, Any], files: Sequence[HubFile], *, licence: str, gated: bool
) -> HubModel:
    """A pipeline by its model_index.json and the list of its files.

    Raises:
        HubError: one that cannot be opened here, or one that lists parts which are not there.
    """
    made = str(index.get("_class_name"))
    known = {k.pipeline.name: (k.id, k.pipeline.trained) for k in KINDS.values() if k.pipeline}
    if made not in known:
        raise HubError(
            f"{name.repo} is a {quoted(made)}, which cannot be opened here.",
            hint=f"Choose a {' or a '.join(known)} (Stable Diffusion 1.x or 2.x), or a classifier.",
        )
    kind, trained = known[made]
    parts = pipeline_parts(index, files)
    if not any(part.name == trained and part.weights for part in parts):
        raise HubError(f"{name.repo} holds no weights of its '{trained}'.", hint="Choose another revision.")
    check_whole(parts, index)
    root = tuple(file for path in ROOT for file in files if file.path == path)
    return HubModel(
        name=name, kind=kind, trained=trained, parts=parts, root=root, licence=licence, gated=gated, config=index
    )


def _refuse_no_model(name: HubName, file: HubFile) -> None:
    """Of a repository that names no network: says so where its weights are no model by themselves."""
    if file.path.endswith(".safetensors"):
        refuse_no_model(f"{file.path} of {name.repo}", remote_header(name, file.path))
    elif file.path.endswith(".ckpt") and file.size > LARGE:
        raise a_checkpoint(f"{file.path} of {name.repo}")


def pin(name: HubName) -> HubName:
    """The name with the commit that its branch or tag names now; without a network, that it named last.

    Raises:
        HubError: unknown, gated, private or unreachable.
    """
    from huggingface_hub import HfApi

    if name.pinned:
        return name
    with clear_errors(name):
        found = HfApi().resolve_revision(name.repo, revision=name.revision, cache_dir=cache_folder())
    return replace(name, revision=found.resolved)


def listing(name: HubName) -> tuple[tuple[HubFile, ...], str, bool]:
    """Files, licence and whether the repository is gated.

    Raises:
        HubError: unknown, private or unreachable.
    """
    from huggingface_hub import HfApi

    with clear_errors(name):
        info = HfApi().model_info(name.repo, revision=name.revision, files_metadata=True, timeout=SECONDS)
    files = tuple(
        HubFile(f.rfilename, f.size or 0, None if f.lfs is None else f.lfs.sha256, f.blob_id or "")
        for f in info.siblings or ()
    )
    return files, _licence(info), bool(info.gated)


def _licence(info: ModelInfo) -> str:
    stated = [tag.removeprefix("license:") for tag in info.tags or () if tag.startswith("license:")]
    card = info.card_data
    found = (card and (card.get("license_name") or card.get("license"))) or (stated[0] if stated else UNKNOWN)
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def small_json(name: HubName, path: str) -> dict[str, Any]:
    """A JSON file of the repository, downloaded by itself.

    Raises:
        HubError: unreachable, missing or no table.
    """
    from huggingface_hub import hf_hub_download

    with clear_errors(name):
        local = hf_hub_download(name.repo, path, revision=name.revision, cache_dir=cache_folder())
    try:
        values = json.loads(Path(local).read_text(encoding="utf-8"))
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise HubError(f"The {path} of {name.repo} is damaged.", hint="Choose another revision.")
    return values
