"""The page's scripts: their own unit tests, run by Node where there is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.skipif(
    shutil.which("node") is None, reason="no Node on this machine; the browser suite runs the scripts too"
)
def test_the_units_of_the_scripts() -> None:
    files = sorted((ROOT / "tests" / "js").glob("*.test.js"))
    assert files
    done = subprocess.run(["node", "--test", *files], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
