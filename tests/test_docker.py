"""The Dockerfile's steps without Docker: a clean folder, its variables and no others, its user, who may write nowhere else."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
UID = 1000
ABLE = hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("setpriv") is not None


def steps() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile with what follows them."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(name, rest) for name, rest in lines]


def variables(home: Path) -> dict[str, str]:
    """What its ENV sets, with the home that it has here."""
    found = {}
    for name, rest in steps():
        if name == "ENV":
            found.update(part.split("=", 1) for part in shlex.split(rest))
    return {name: value.replace("/home/user", str(home)) for name, value in found.items()}


@pytest.mark.skipif(not ABLE, reason="Only root can become the image's user here, by setpriv of util-linux.")
@pytest.mark.timeout(180)
def test_the_page_comes_up_by_the_dockerfiles_steps_as_its_user(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    app = home / "app"
    archive = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    ignored = tuple((ROOT / ".dockerignore").read_text(encoding="utf-8").split())
    for name in filter(None, archive.split("\0")):
        if name.partition("/")[0] not in ignored and (ROOT / name).is_file():
            (app / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, app / name)
    env = {**variables(home), "GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    env["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    made = next(rest for name, rest in steps() if name == "RUN" and rest.startswith("mkdir"))
    for folder in [tmp_path, *tmp_path.parents][:-2]:
        folder.chmod(folder.stat().st_mode | 0o011)  # pytest's folders are for their owner alone
    subprocess.run(["sh", "-c", made], env={**env, "HOME": str(home)}, check=True)
    for path in [home, *home.rglob("*")]:
        os.chown(path, UID, UID)
    # Python and its packages may lie in root's home: this user may read everything, and write what is his.
    user = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
    user += [
        "--inh-caps=-all,+dac_read_search",
        "--ambient-caps=+dac_read_search",
        "--bounding-set=-all,+dac_read_search",
    ]
    command = next(rest for name, rest in steps() if name == "CMD")
    page = subprocess.Popen(
        [*user, *yaml.safe_load(command)], cwd=app, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert "Unlearning Playground" in fetched(f"http://127.0.0.1:{port}/", page)
    finally:
        page.terminate()
        said = page.communicate(timeout=30)[0]
    assert "Traceback" not in said, said
    written = [path for path in home.rglob("*") if path.stat().st_mtime > app.stat().st_mtime and path.is_file()]
    assert all(path.stat().st_uid == UID for path in written)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def fetched(address: str, page: subprocess.Popen[str]) -> str:
    for _ in range(600):
        if page.poll() is not None:
            raise AssertionError(page.communicate()[0])
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the page did not come up")


def test_compose_serves_the_port_and_keeps_the_caches_of_the_dockerfile() -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["playground"]
    said = dict(steps())
    env = variables(Path("/home/user"))
    assert service["ports"] == [f"{said['EXPOSE']}:{env['GRADIO_SERVER_PORT']}"]
    kept = service["volumes"][0].split(":")[1]
    assert all(env[name].startswith(kept) for name in ("HF_HOME", "GRADIO_TEMP_DIR", "MPLCONFIGDIR"))
    assert set(service["build"]["args"]) <= {rest.partition("=")[0] for name, rest in steps() if name == "ARG"}
