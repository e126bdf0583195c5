"""What the command line's tests share."""

from __future__ import annotations

import pytest

from tests.core.own_files import OwnFiles, write_own


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> OwnFiles:
    """A classifier of one's own with its pictures and weights, once for a file's tests."""
    return write_own(tmp_path_factory.mktemp("own"))
