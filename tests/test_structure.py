"""The arrows between the packages, and what every file keeps to: read from the sources themselves."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support import ROOT

#: What a room of `eval` may import, itself apart. Shared rows know nothing; nothing imports cli.
SHARED = {
    "errors",
    "expect",
    "records",
    "journal",
    "run_info",
    "run",
    "answers",
    "spreadsheet",
    "policy",
    "sweep",
    "settings_file",
}
ALLOWED = {
    "errors": set(),
    "spreadsheet": set(),
    "settings_file": {"errors"},
    "expect": set(),
    "records": {"errors", "expect"},
    "journal": {"errors"},
    "run_info": {"records"},
    "run": {"errors", "records", "journal", "run_info"},
    "answers": {"errors", "records", "journal"},
    "policy": {"errors", "records", "journal", "run_info", "run", "settings_file"},
    "sweep": {"errors", "records", "journal", "run_info", "run"},
    "collect": SHARED,
    "judge": SHARED,
    "evidence": SHARED | {"collect", "judge"},
    "report": SHARED | {"collect", "judge", "evidence"},
    "release": SHARED | {"collect", "judge", "evidence", "report"},
    "public": SHARED | {"collect", "judge", "evidence", "report", "release"},
    "cli": SHARED | {"collect", "judge", "evidence", "report", "release"},
}
#: The ground floor is for all three, and imports none of them; the lazy names of its `__init__` are in one module.
GROUND = "blindside"
FACE, FACE_OF = "blindside/__init__.py", "eval.public"
PACKAGES = (GROUND, "train", "compose", "eval")


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions, as a dotted name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _room(dotted: str) -> str:
    """The part of `eval` that a dotted name is in: eval.judge.store.verdict_files -> judge."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize("path", list(_sources()), ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows_point_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    imported = [name for name in _imports(path) if name.split(".")[0] in PACKAGES]
    if package != GROUND:
        imported = [name for name in imported if name.split(".")[0] != GROUND]
    if str(path.relative_to(ROOT)) == FACE:
        imported = [name for name in imported if not f"{name}.".startswith(f"{FACE_OF}.")]
    if package != "eval":
        assert all(name.split(".")[0] == package for name in imported), imported
        return
    here = path.relative_to(ROOT / "eval").parts[0].removesuffix(".py")
    for name in imported:
        room = _room(name)
        if name.startswith("eval.") and room != here:
            assert room in ALLOWED[here], f"{path}: {here} must not import {name}"


@pytest.mark.parametrize("path", list(_sources()), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_bare_import_rebinds_a_builtin(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bare = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names if a.asname is None]
    assert not [name for name in bare if name.split(".")[0] in PACKAGES]


#: Prints into a log that only `console` shows; and what one of our programs tells another, as ASCII.
PRINTS_ITSELF = {"blindside/console.py", "compose/embedded/__main__.py"}
FOR_A_PROGRAM = "json.dumps"


@pytest.mark.parametrize("path", list(_sources()), ids=lambda p: str(p.relative_to(ROOT)))
def test_lines_are_printed_in_one_place(path: Path) -> None:
    """Where foreign text is made harmless: not by print, typer.echo, a rich console or a stream of one's own."""
    if str(path.relative_to(ROOT)) in PRINTS_ITSELF:
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {
        id(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.args[0]).startswith(FOR_A_PROGRAM)
    }
    named = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in told
    ]
    prints = re.compile(r"print|(typer|click)\.s?echo|Console|Text\.from_markup|sys\.std(out|err)\.write")
    assert [name for name in named if prints.fullmatch(name) and not _is_annotation(tree, name)] == []


def _is_annotation(tree: ast.AST, name: str) -> bool:
    """Whether a class is only spoken of, and never called."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return name == "Console" and all(ast.unparse(call) != name for call in calls)


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_no_file_names_a_package_index_or_one_machine() -> None:
    address = re.compile(rb"(index-url|find-links)\s*[=:]?\s*\S*https?://|/home/\w+/")
    guilty = [
        path.name
        for path in _tracked()
        if path.suffix not in {".png", ".gz", ".safetensors"}
        and path != Path(__file__)
        and address.search(path.read_bytes())
    ]
    assert guilty == []


#: Libraries whose private modules have changed under us, or may at any release.
LIBRARIES = {"huggingface_hub", "gradio", "gradio_client", "text_generation", "httpx", "httpx2"}


def _everything() -> Iterator[Path]:
    yield from _sources()
    for folder in ("tests", "benchmarks"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def _private(tree: ast.AST) -> Iterator[str]:
    """Names of a library with a part that begins with one underscore: imported, or reached by attributes."""
    dotted = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            dotted += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            dotted.append(ast.unparse(node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # Import by name, and what monkeypatch sets.
            dotted += [node.value] if re.fullmatch(r"[\w.]+", node.value) else []
    for name in dotted:
        library, *parts = name.split(".")
        if library in LIBRARIES and any(re.match(r"_(?!_)", part) for part in parts):
            yield name


@pytest.mark.parametrize("path", list(_everything()), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_private_module_of_a_library_is_used(path: Path) -> None:
    assert list(_private(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import huggingface_hub.utils._http",
        "import gradio._simple_templates as t",
        "from huggingface_hub.utils._headers import build_hf_headers",
        "from huggingface_hub.utils import _http",
        "from huggingface_hub.inference._common import RequestParameters",
        "from text_generation import _private",
        "def f():\n    from gradio.routes import _Thing",
        "import gradio\ngradio.routes._reset()",
        "importlib.import_module('huggingface_hub.utils' + '._x')\nimportlib.import_module('huggingface_hub.utils._x')",
    ],
)
def test_private_modules_are_seen(code: str) -> None:
    assert list(_private(ast.parse(code)))


@pytest.mark.parametrize(("way", "most"), [("a prompt", 30), ("a recipe", 30)])
def test_the_ways_in_the_design_are_files_and_none_comes_twice(way: str, most: int) -> None:
    told = re.search(rf"\*\*The way of {way}\*\*.*?\n\n", (ROOT / "docs" / "design.md").read_text(), re.DOTALL)
    assert told is not None
    files = re.findall(r"`([\w/]+\.py)`", told[0])
    assert [name for name in files if not (ROOT / name).is_file()] == []
    assert len(set(files)) == len(files)
    assert 10 < len(files) <= most


#: Folders hold so many modules at most: more want rooms.
MODULES = 20


def test_no_folder_is_a_heap() -> None:
    counts = Counter(path.parent for path in _sources() if path.name != "__init__.py")
    assert {str(folder.relative_to(ROOT)): n for folder, n in counts.items() if n > MODULES} == {}


def _siblings(name: str, other: str) -> tuple[str, str]:
    """The two rooms or modules of one folder that an import between `name` and `other` ties."""
    mine, theirs = name.split("."), other.split(".")
    same = next(
        (at for at, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), min(len(mine), len(theirs))
    )
    return ".".join(mine[: same + 1]), ".".join(theirs[: same + 1])


def test_rooms_make_no_circle() -> None:
    """In no folder do modules and rooms import each other in a ring, whatever lies inside a room."""
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in _sources()}
    ties: defaultdict[str, set[str]] = defaultdict(set)
    for name, path in modules.items():
        for other in _imports(path):
            mine, theirs = _siblings(name, other)
            if other in modules and mine != theirs and path.name != "__init__.py":
                ties[mine].add(theirs)
    TopologicalSorter(ties).prepare()


def test_links_in_the_documents_lead_to_files() -> None:
    documents = [path for path in _tracked() if path.suffix == ".md" and "data" not in path.parts]
    links = [
        (path, link) for path in documents for link in re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", path.read_text())
    ]
    assert len(links) > 50
    assert [(path.name, link) for path, link in links if not (path.parent / link).exists()] == []
