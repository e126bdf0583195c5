"""Which files a pipeline's parts are, and a small file that several processes write at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sfr_core.errors import HubError
from sfr_core.hub.files import HubFile, check_whole, pipeline_parts, write_whole

UNET = ["diffusers", "UNet2DConditionModel"]
SHARDS = ["diffusion_pytorch_model.safetensors.index.fp16.json", "diffusion_pytorch_model.fp16-00001-of-00002.safetensors",
          "diffusion_pytorch_model.fp16-00002-of-00002.safetensors"]  # fmt: skip


@pytest.mark.parametrize(
    ("there", "taken", "pickled"),
    [
        (["diffusion_pytorch_model.fp16.safetensors"], ["diffusion_pytorch_model.fp16.safetensors"], False),
        (["diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.bin"], ["diffusion_pytorch_model.fp16.safetensors"], False),
        (["diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.safetensors"], ["diffusion_pytorch_model.safetensors"], False),
        (SHARDS, SHARDS, False),
        (["diffusion_pytorch_model.fp16.bin"], ["diffusion_pytorch_model.fp16.bin"], True),
        (["diffusion_pytorch_model.fp16.bin", "diffusion_pytorch_model.bin"], ["diffusion_pytorch_model.bin"], True),
    ],
)  # fmt: skip
def test_half_precision_is_taken_where_there_is_no_other(there: list[str], taken: list[str], pickled: bool) -> None:
    files = [HubFile(f"unet/{name}", 1, None, "") for name in ("config.json", *there)]
    (part,) = pipeline_parts({"_class_name": "X", "unet": UNET}, files)
    assert [f.path for f in part.weights] == [f"unet/{name}" for name in taken]
    assert part.pickled == pickled


def test_what_a_pipeline_may_lack_and_what_not() -> None:
    index = {
        "unet": UNET, "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": ["transformers", "CLIPImageProcessor"], "scheduler": ["diffusers", "PNDMScheduler"],
    }  # fmt: skip
    files = [HubFile(path, 1, None, "") for path in ("unet/model.safetensors", "scheduler/scheduler_config.json")]
    parts = pipeline_parts(index, files)
    assert [part.name for part in parts] == ["unet", "scheduler"]
    check_whole(parts, index)
    for gone, lacking in ((0, "'unet' but holds no weights"), (1, "'scheduler' but holds no files")):
        with pytest.raises(HubError, match=lacking):
            check_whole(pipeline_parts(index, files[:gone] + files[gone + 1 :]), index)


def test_writers_at_the_same_time_leave_one_whole_file_and_nothing_else(tmp_path: Path) -> None:
    path, texts = tmp_path / "model.json", [letter * 50_000 for letter in "abcd"]

    def write(text: str) -> None:
        for _ in range(50):
            write_whole(path, text)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, texts))
    assert path.read_text(encoding="utf-8") in texts
    assert list(tmp_path.iterdir()) == [path]
