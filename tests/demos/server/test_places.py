"""No answer of a real Gradio server says where uploads lie, and all that it says still works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.middleware import Middleware

from demos.server.places import Places, word_for


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("somewhere-on-this-machine")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))

        def doubled(path: Any) -> str:
            twice = folder / "twice.bin"
            twice.write_bytes(2 * Path(path).read_bytes())
            return str(twice)

        with gr.Blocks(analytics_enabled=False) as demo:
            gr.File().upload(doubled, gr.File(), gr.File(), api_name="doubled")
        _, address, _ = demo.launch(
            prevent_thread_lock=True, quiet=True, ssr_mode=False,
            app_kwargs={"middleware": [Middleware(Places, folder=folder)]},
        )  # fmt: skip
        yield address
        demo.close()


def test_a_file_goes_up_is_used_and_comes_back_and_no_answer_names_its_folder(url: str, folder: Path) -> None:
    heard: list[bytes] = []
    content = b"x" + str(folder).encode()  # in a file the same bytes are the visitor's own
    with httpx.Client(base_url=url, timeout=30) as client:
        up = client.post("gradio_api/upload", files={"files": ("my pictures.zip", content)})
        heard.append(up.content)
        (path,) = up.json()
        assert path.startswith("/~uploads")
        assert path.endswith("/my pictures.zip")
        value = {"path": path, "orig_name": "my pictures.zip", "meta": {"_type": "gradio.FileData"}}
        asked = client.post("gradio_api/call/doubled", json={"data": [value]})
        heard.append(asked.content)
        with client.stream("GET", f"gradio_api/call/doubled/{asked.json()['event_id']}") as lines:
            answer = "\n".join(lines.iter_lines())
        heard.append(answer.encode())
        assert "event: complete" in answer
        (made,) = json.loads(answer.partition("data: ")[2].strip())
        assert client.get(made["url"]).content == 2 * content
        assert client.get(f"gradio_api/file={path}").content == content
        gone = client.get(f"gradio_api/file={path}.gone")
        assert gone.status_code in (403, 404)
        heard.append(gone.content)
        heard.append(client.get("config").content)
    assert not [each for each in heard if str(folder).encode() in each]


@pytest.mark.parametrize("real", ["/tmp/gradio", "/t", "/tmp/ünicode/gradio", "/" + "x" * 200])
def test_the_word_has_as_many_bytes(real: str) -> None:
    assert len(word_for(real).encode()) == len(real.encode())
