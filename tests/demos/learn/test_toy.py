"""The toy of the tab Learn, computed a second time in numpy; both must say the same, and what was recorded."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
ROWS: dict[str, Any] = json.loads((ROOT / "demos/static/learn_toy.json").read_text())
XR, YR, XF, YF = (np.array(ROWS[key]) for key in ("remain_x", "remain_y", "forget_x", "forget_y"))
LAM = ROWS["lam"]
BETA, ETA, T = 0.12, 0.8, 60
WAYS: dict[str, dict[str, Any]] = {
    "ascent": {"method": "ascent"},
    "joint": {"method": "joint"},
    "exact_manifold": {"method": "manifold"},
    "fast_slow_k4": {"method": "fast", "K": 4},
    "fast_slow_k16": {"method": "fast", "K": 16},
    "fast_slow_k4_mask_adaptive": {"method": "fast", "K": 4, "mask": True, "adaptive": True},
    "ascent_60": {"method": "ascent", "stop": False},
    "fast_slow_k4_60": {"method": "fast", "K": 4, "stop": False},
    "fast_slow_k4_adaptive_60": {"method": "fast", "K": 4, "adaptive": True, "stop": False},
}


def s(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def rows(x: Any, y: Any, w: Any) -> Any:
    return np.logaddexp(0, x @ w) - y * (x @ w)


def grad(x: Any, y: Any, w: Any) -> Any:
    return x.T @ (s(x @ w) - y) / len(y) + LAM * w


def hessian(x: Any, w: Any) -> Any:
    p = s(x @ w)
    return (x.T * (p * (1 - p))) @ x / len(x) + LAM * np.eye(2)


def newton(x: Any, y: Any) -> Any:
    w = np.zeros(2)
    for _ in range(50):
        w = w - np.linalg.solve(hessian(x, w), grad(x, y, w))
    return w


ORIGINAL, RETRAINED = newton(np.vstack([XR, XF]), np.r_[YR, YF]), newton(XR, YR)
RATIO = np.divide(*((((s(x @ ORIGINAL) - y)[:, None] * x) ** 2).mean(0) for x, y in ((XF, YF), (XR, YR))))
TARGET = rows(XF, YF, RETRAINED).mean()


def end(method: str, K: int = 0, mask: bool = False, adaptive: bool = False, stop: bool = True) -> tuple[int, Any]:
    w, m = ORIGINAL, (RATIO >= 1).astype(float) if mask else np.ones(2)
    least = np.linalg.eigvalsh(hessian(XR, ORIGINAL))[0]
    for t in range(T):
        losses = rows(XF, YF, w)
        if stop and losses.mean() >= TARGET:
            return t, w
        e = (1 - t / T) * losses**-0.5 / (losses**-0.5).sum() if adaptive else np.full(len(YF), 1 / len(YF))
        u = -m * (((s(XF @ w) - YF) * e) @ XF)
        if method == "joint":
            w = w - BETA * (u + grad(XR, YR, w))
        elif method == "manifold":
            w = w - BETA * least * np.linalg.solve(hessian(XR, w), u)
        else:
            w = w - BETA * u
            for _ in range(K):
                w = w - ETA * grad(XR, YR, w)
    return T, w


def measures(w: Any) -> dict[str, float]:
    p, q = s(XR @ RETRAINED), s(XR @ w)
    return {
        "forget": rows(XF, YF, w).mean(),
        "remain": rows(XR, YR, w).mean() + LAM / 2 * w @ w,
        "distance": np.linalg.norm(w - RETRAINED),
        "kl": (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).mean(),
        "known": ((XF @ w > 0) == (YF == 1)).sum(),
    }


def test_numpy_finds_what_was_recorded() -> None:
    assert ROWS["original"] == pytest.approx(list(ORIGINAL), abs=1e-9)
    assert ROWS["retrained"] == pytest.approx(list(RETRAINED), abs=1e-9)
    assert ROWS["fisher_ratio"] == pytest.approx(list(RATIO), abs=1e-9)
    assert ROWS["target_forget_loss"] == pytest.approx(TARGET, abs=1e-9)
    assert set(ROWS["paths"]) == set(WAYS)
    for name, way in WAYS.items():
        steps, w = end(**way)
        recorded, found = ROWS["paths"][name], measures(w)
        assert steps == recorded["steps"], name
        assert list(w) == pytest.approx(recorded["end"], abs=1e-5), name
        told = [recorded[key] for key in ("forget_loss", "remain_loss", "distance", "kl")]
        assert [found[key] for key in ("forget", "remain", "distance", "kl")] == pytest.approx(told, abs=2e-6), name


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node on this machine; the browser suite draws the toy")
def test_the_script_finds_what_numpy_finds() -> None:
    done = subprocess.run(["node", "tests/js/toy_numbers.js"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    script = json.loads(done.stdout)
    assert script["original"] == pytest.approx(list(ORIGINAL), abs=1e-9)
    assert script["retrained"] == pytest.approx(list(RETRAINED), abs=1e-9)
    assert script["ratio"] == pytest.approx(list(RATIO), abs=1e-9)
    assert script["target"] == pytest.approx(TARGET, abs=1e-9)
    assert script["start"] == pytest.approx(measures(ORIGINAL), abs=1e-9)
    for name, way in WAYS.items():
        steps, w = end(**way)
        found = script["paths"][name]
        assert (found.pop("steps"), found.pop("end")) == (steps, pytest.approx(list(w), abs=1e-7)), name
        assert found == pytest.approx(measures(w), abs=1e-7), name


def test_the_lesson_plans_have_these_numbers() -> None:
    text = (ROOT / "docs/teaching.md").read_text(encoding="utf-8").partition("## The toy in numbers")[2]
    lines = [line.split("|")[2:-1] for line in text.splitlines() if line.startswith("|")][2:]
    told = [[float(cell) for cell in line] for line in lines]
    for way, numbers in zip(WAYS.values(), told, strict=True):
        steps, w = end(**way)
        found = measures(w)
        rounded = [steps, round(found["distance"], 3), round(found["kl"], 4), round(found["remain"], 3)]
        assert numbers == rounded, way
