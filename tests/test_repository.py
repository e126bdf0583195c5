"""What a Space, a newcomer and a clone rely on: front matter, assets, commands, requirements, no path outside."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = {"diffusers/README.md"}
"""Documents of other repositories that are named here."""
SPACE_LIMIT = 10_000_000
"""A Space refuses files of 10 MB and more that are not in LFS."""


def tracked() -> list[Path]:
    """Files under version control, or every file but the environment where there is no git."""
    try:
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
        return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        return [p for p in ROOT.rglob("*") if p.is_file() and ".venv" not in p.parts and ".git" not in p.parts]


def requirements() -> dict[str, Requirement]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    return {(r := Requirement(line)).name: r for line in lines if line}


def front_matter() -> dict[str, str]:
    _, head, _ = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return {key: value.strip().strip('"') for key, _, value in (line.partition(":") for line in head.splitlines())}


def test_the_space_installs_what_requirements_name() -> None:
    head = front_matter()
    assert head["sdk"] == "gradio"
    gradio = requirements()["gradio"].specifier
    assert {(s.operator, s.version) for s in gradio} == {(">=", "6.31"), ("<", "7")}
    assert Version(head["sdk_version"]) == Version("6.31")  # equal to the floor of the range
    assert head["python_version"] == "3.12"
    assert (ROOT / head["app_file"]).is_file()
    assert head["license"] == "mit"
    assert "MIT License" in (ROOT / "LICENSE").read_text()
    for key in ("title", "tags", "models", "datasets", "short_description"):
        assert key in head
    assert len(head["short_description"]) <= 60


def test_requirements_hold_on_this_machine_and_admit_zero_gpu() -> None:
    wanted = requirements()
    for name in ("torch", "torchvision", "gradio", "plotly", "matplotlib", "diffusers", "transformers", "accelerate",
                 "safetensors", "scikit-learn", "spaces"):  # fmt: skip
        assert name in wanted
    for name, requirement in wanted.items():
        assert requirement.specifier.contains(distribution(name).version), f"{name} {distribution(name).version}"
        assert any(s.operator == "<" for s in requirement.specifier), f"{name} has no upper bound"
    for version in ("2.8.0", "2.9.1", "2.10.0", "2.11.0"):
        assert wanted["torch"].specifier.contains(version)


def test_development_extras_name_what_the_suite_needs() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = {Requirement(line).name for line in extras["dev"]}
    assert {"pytest", "pytest-timeout", "ruff", "mypy", "import-linter", "torchmetrics", "playwright"} <= names
    assert not names & set(requirements())


def test_every_asset_fits_a_space() -> None:
    sizes = {p.relative_to(ROOT): p.stat().st_size for p in tracked() if "assets" in p.relative_to(ROOT).parts[:1]}
    assert sizes
    assert {p: n for p, n in sizes.items() if n >= SPACE_LIMIT} == {}


def named_parts(folder: Path, parts: dict[str, str]) -> set[Path]:
    """The other weight files of a pipeline's card, each with the sha256 that is given there."""
    for file, sha256 in parts.items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == sha256, file
    return {(folder / file).resolve() for file in parts}


def test_every_weight_is_the_one_its_card_names() -> None:
    from sfr_core.zoo.shipped import cards

    named = set()
    for card in cards():
        for file, size, sha256 in [
            (card.file, card.bytes, card.sha256),
            *((reference.file, reference.bytes, reference.sha256) for reference in card.retrained),
        ]:
            data = (card.folder / file).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (size, sha256), file
            named.add((card.folder / file).resolve())
        named |= named_parts(card.folder, card.parts)
    models = ROOT / "assets" / "models"
    for draft in [*models.glob("*/card.draft.json"), *models.glob("*/judge.json")]:  # still in training; no models
        card_data = json.loads(draft.read_text())
        for data in [card_data, *card_data.get("retrained", [])]:
            raw = (draft.parent / data["file"]).read_bytes()
            assert (len(raw), hashlib.sha256(raw).hexdigest()) == (data["bytes"], data["sha256"]), draft
            named.add((draft.parent / data["file"]).resolve())
        named |= named_parts(draft.parent, card_data.get("parts", {}))
    weights = {p.resolve() for p in tracked() if p.suffix == ".safetensors" and "models" in p.parts}
    assert weights <= named, "a weight without a card"


def documents() -> dict[str, str]:
    """Every Markdown file by its path from the root."""
    paths = [p for p in tracked() if p.suffix == ".md"]
    return {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in paths}


def test_the_readme_is_read_in_three_minutes() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.partition("## Citing")[0].split()) <= 600
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert pictures == ["docs/run.webp"]
    with Image.open(ROOT / pictures[0]) as picture:
        assert getattr(picture, "n_frames", 1) > 10, "it moves"
    assert (ROOT / pictures[0]).stat().st_size < 3_000_000


def test_commands_of_the_documents_exist() -> None:
    pages = {path: text for path, text in documents().items() if not path.startswith("docs/experiments/")}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {target for text in pages.values() for target in re.findall(r"(?:`|^)make ([a-z]+)\b", text, re.MULTILINE)}
    assert {"run", "test", "lint"} <= used
    assert used <= targets
    for module in {m for text in pages.values() for m in re.findall(r"python -m ([a-z_.]+[a-z])", text)}:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


def test_the_documents_commands_are_understood() -> None:
    from sfr_core.cli.run import _parser

    text = "\n".join(documents().values()).replace("\\\n", " ")
    commands = re.findall(r"^python -m sfr_core (.+)$", text, re.MULTILINE)
    assert len(commands) >= 15
    for command in commands:
        import shlex

        _parser().parse_args(shlex.split(command, comments=True))


def test_every_link_of_a_document_leads_somewhere() -> None:
    for path, text in documents().items():
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert ((ROOT / path).parent / link).exists(), f"{path}: {link}"


def test_every_file_and_folder_that_a_document_names_exists() -> None:
    """Names with a capital stand for any file: `sfr_core/catalog/NAME.py`. Lab notes speak of the tree of their day."""
    for path, text in documents().items():
        if not path.startswith("docs/experiments/"):
            for name in re.findall(r"(?<![\w/.-])(?:sfr_core|demos|recipes|bench|tests|assets)/[\w/.-]*[\w/]", text):
                assert re.search(r"[A-Z]{2}", name) or (ROOT / name).exists(), f"{path}: {name}"


def test_every_document_that_is_cited_exists() -> None:
    """Source, tests and pages cite documents by their path here (a decision by its number), and sections that are there."""
    headings = set(re.findall(r"^#+ (\d[\d.]*?)\.? ", (ROOT / "docs/reference.md").read_text("utf-8"), re.MULTILINE))
    pitfalls = (ROOT / "docs/reference.md").read_text("utf-8").partition("## 6. ")[2]
    headings |= {f"6.{number}" for number in re.findall(r"^(\d+)\. ", pitfalls, re.MULTILINE)}
    decisions = {p.name[:4] for p in (ROOT / "docs" / "adr").glob("*.md")}
    wrong = []
    for path in tracked():
        if path.suffix not in {".py", ".md", ".toml", ".js", ".css", ".html", ".yml"}:
            continue
        text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT)
        unnamed = re.sub(r"\[[^\]]*\]\(", "(", text)  # without what links are called
        for cited in re.findall(r"(?<![\w/.-])[\w./-]+\.md\b", unnamed):
            if cited not in ELSEWHERE and not any((home / cited).is_file() for home in (ROOT, path.parent)):
                wrong.append(f"{name}: {cited}")
        numbers = re.findall(r"docs/adr/(\d{4})", text)
        numbers += [f"{int(number):04}" for number in re.findall(r"\bADR (\d+)", text)]
        wrong += [f"{name}: decision {number}" for number in numbers if number not in decisions]
        for sections in re.findall(
            r"docs/reference\.md, sections? ((?:\d[\d.]*\d|\d)(?: and (?:\d[\d.]*\d|\d))?)", text
        ):
            wrong += [f"{name}: section {one}" for one in sections.split(" and ") if one not in headings]
    assert wrong == []


def test_nothing_refers_to_a_path_outside() -> None:
    outside = ("../" + "shared", "/work/" + "shared", "/work/" + "main")  # split, or this file would name them
    found = []
    for path in tracked():
        if path.suffix in {".py", ".md", ".toml", ".json", ".js", ".css", ".html", ".txt", ".yml", ""}:
            text = path.read_text(encoding="utf-8", errors="ignore")
            found += [f"{path.relative_to(ROOT)}: {name}" for name in outside if name in text]
    assert found == []


def test_every_decision_has_its_three_parts() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [int(p.name[:4]) for p in records]
    assert numbers == sorted(set(numbers))
    assert numbers[:43] == list(range(1, 44))
    for path in records:
        text = path.read_text(encoding="utf-8")
        assert len(text.split()) <= 300, path.name
        parts = set(re.findall(r"^(?:## |\*\*)(\w+)", text, re.MULTILINE))
        if not parts:  # nothing of it stands: where it went
            assert "](" in text, path.name
            assert len(text.split()) < 40, path.name
            continue
        for names in ({"Context", "Why"}, {"Decision"}, {"Consequence", "Consequences"}):
            assert parts & names, f"{path.name}: {names}"


@pytest.mark.parametrize("package", ["sfr_core", "demos"])
def test_files_can_be_read_in_a_sitting(package: str) -> None:
    long = {p.name: n for p in (ROOT / package).rglob("*.py") if (n := len(p.read_text().splitlines())) > 500}
    assert long == {}


def test_docker_runs_as_a_space_wants_it() -> None:
    text = (ROOT / "Dockerfile").read_text()
    for part in ("--uid 1000", "USER user", "EXPOSE 7860", "GRADIO_SERVER_NAME=0.0.0.0", "HF_HOME=/home/user", "GRADIO_TEMP_DIR=/home/user", "MPLCONFIGDIR=/home/user"):  # fmt: skip
        assert part in text
    assert text.index("COPY --chown=user requirements.txt") < text.index("COPY --chown=user . .")


def test_the_checks_of_ci_are_the_two_make_targets() -> None:
    text = (ROOT / ".ci" / "run").read_text()
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    assert re.search(r"^make .*lint", text, re.MULTILINE)
    assert re.search(r"^make .*test", text, re.MULTILINE)
