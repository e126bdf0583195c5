"""Names of models on the Hub, `hub:REPO@REVISION` (`#FILE` where a repository holds several), and every failure of the Hub as one clear sentence."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sfr_core.errors import HubError, quoted, reason
from sfr_core.zoo.shipped import HUB, LOCAL

COMMIT = re.compile(r"[0-9a-f]{40}")
_NAME = re.compile(
    r"(?:hub:)?(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)"
    r"(?:@(?P<revision>[\w.-]+(?:/[\w.-]+)*))?(?:#(?P<file>[\w.-]+))?"
)
_LOCAL = re.compile(r"local:(?P<folder>[\w.-]+)-(?P<digest>[0-9a-f]{12})", re.ASCII)
LATER = "Connect to the network (and unset HF_HUB_OFFLINE), then try again; files that were downloaded whole are kept."
LOG_IN = "Open https://huggingface.co/{repo} and accept its terms, then run: hf auth login"


@dataclass(frozen=True, slots=True)
class HubName:
    """A repository, a branch, tag or commit hash of it, and a classifier's weights where there are several ("" else).

    A pipeline in a folder on this machine (`local`) has the folder's name and twelve digits of its content's hash.
    """

    repo: str
    revision: str
    file: str = ""
    local: bool = False

    def __str__(self) -> str:
        if self.local:
            return f"{LOCAL}{self.repo}-{self.revision}"
        return f"{HUB}{self.repo}@{self.revision}" + (f"#{self.file}" if self.file else "")

    @property
    def pinned(self) -> bool:
        """Whether the revision is a commit hash, which always names the same files."""
        return self.local or COMMIT.fullmatch(self.revision) is not None


def read_name(text: str) -> HubName:
    """Reads `hub:REPO@REVISION#FILE`, or `local:FOLDER-HASH`; without a revision it is the branch main; `hub:` and `#FILE` may be left out.

    Raises:
        HubError: no such form.
    """
    here = _LOCAL.fullmatch(text)
    if here is not None:
        return HubName(here["folder"], here["digest"], local=True)
    found = _NAME.fullmatch(text.strip())
    if found is None or ".." in text:
        raise HubError(
            f"'{quoted(text)}' names no model on the Hub.",
            hint="Write hub:OWNER/NAME@REVISION, for example hub:facebook/DiT-XL-2-256@main.",
        )
    return HubName(found["repo"], found["revision"] or "main", found["file"] or "")


@contextmanager
def clear_errors(name: HubName) -> Iterator[None]:
    """Turns what huggingface_hub raises for `name` into a HubError of one sentence."""
    import httpx2  # the client of huggingface_hub, whose connection errors come through as they are
    from huggingface_hub import errors as hub

    try:
        yield
    except (hub.HfHubHTTPError, hub.LocalEntryNotFoundError, hub.RevisionResolutionError, httpx2.HTTPError) as error:
        raise _sentence(error, name) from None
    except hub.OfflineModeIsEnabled:
        raise unreachable(name) from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise HubError(
                f"The disk is full; {name.repo} was not downloaded whole.", hint="Free some space."
            ) from None
        raise HubError(f"{name.repo} could not be downloaded ({reason(error)}).", hint="Try again.") from None


def _sentence(error: BaseException | None, name: HubName) -> HubError:
    from huggingface_hub import errors as hub

    if isinstance(error, hub.LocalEntryNotFoundError | hub.RevisionResolutionError):
        # The library asked the Hub first: what it answered says more than that nothing is here.
        return _sentence(error.__cause__, name)
    if isinstance(error, hub.GatedRepoError):
        return HubError(f"{name.repo} asks you to accept its terms first.", hint=LOG_IN.format(repo=name.repo))
    if isinstance(error, hub.RevisionNotFoundError):
        return HubError(
            f"{name.repo} has no revision '{name.revision}'.", hint="Choose one of its branches, tags or commit hashes."
        )
    if isinstance(error, hub.RemoteEntryNotFoundError):
        return HubError(f"A file of {name} is missing on the Hub.", hint="Choose another revision.")
    if isinstance(error, hub.RepositoryNotFoundError):
        return HubError(
            f"There is no model {name.repo} on the Hub, or it is private.",
            hint="Check the name; for a private one run: hf auth login",
        )
    if isinstance(error, hub.HfHubHTTPError):
        status = error.response.status_code
        if status in (401, 403):
            return HubError(f"The Hub does not let you read {name.repo}.", hint=LOG_IN.format(repo=name.repo))
        return HubError(f"The Hub answered with error {status} for {name.repo}.", hint="Try again later.")
    return unreachable(name)


def unreachable(name: HubName) -> HubError:
    """The error of a model that is neither here nor within reach."""
    return HubError(f"The Hub cannot be reached, and {name} is not whole on this machine.", hint=LATER)
