"""The house rules that a program can check: who may import whom, what stands twice, what may never be committed."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from scipy.sparse.csgraph import connected_components

import explaint_lib

LIBRARY = ROOT / "explaint_lib"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def python_files() -> list[Path]:
    return [path for folder in ("explaint_lib", "book", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]


# -- rooms -------------------------------------------------------------------------------------------------------------


def allowed_imports(table: str) -> dict[str, set[str]]:
    """Read the table "Rooms": room -> rooms it may import."""
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", table, re.MULTILINE)
    allowed: dict[str, set[str]] = {}
    for room, may in rows:
        everything_above = "all of the above" in may
        allowed[room] = set(allowed) if everything_above else set(re.findall(r"`(\w+)`", may))
    return allowed


def imported(source: str, package: str) -> Iterator[str]:
    """Yield the full names from this library that a source imports, wherever in it; `package` is where it lives."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.startswith("explaint_lib."))


def imported_rooms(source: str, package: str) -> Iterator[str]:
    """Yield the rooms that a source imports."""
    yield from (name.split(".")[1] for name in imported(source, package))


def trespasses(room: str, package: str, source: str, allowed: dict[str, set[str]]) -> list[str]:
    """Return the imports of a room's file that the table does not allow."""
    used = {name for name in imported_rooms(source, package) if name in allowed}
    return [f"{room} imports {name}" for name in sorted(used - allowed[room] - {room})]


def rooms() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        room = path.relative_to(LIBRARY).parts[0].removesuffix(".py")
        if not room.startswith("_"):  # what every room may use: errors, files, the cache
            found.setdefault(room, []).append(path)
    return found


def test_every_room_imports_only_what_the_table_allows():
    allowed = allowed_imports((ROOT / "CONTRIBUTING.md").read_text("utf8"))
    assert allowed["relations"] == {"norms"} and allowed["mappers"] == set() and "widgets" in allowed["cli"]
    assert set(rooms()) <= set(allowed), "a room that is not in the table of CONTRIBUTING.md"
    found = []
    for room, files in rooms().items():
        for path in files:
            package = ".".join(("explaint_lib", *path.relative_to(LIBRARY).parts[:-1]))
            found += trespasses(room, package, path.read_text("utf8"), allowed)
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "from explaint_lib import encoders",
        "from explaint_lib.encoders import fetch",
        "import explaint_lib.encoders.load",
        "def f():\n    from explaint_lib import encoders",
        "from ..encoders import fetch",
        "from .. import encoders",
    ],
)
def test_a_trespass_is_caught(source: str):
    allowed = {"encoders": set(), "mappers": set()}
    assert trespasses("mappers", "explaint_lib.mappers", source, allowed) == ["mappers imports encoders"]
    assert trespasses("encoders", "explaint_lib.encoders", source, allowed) == []


def modules() -> dict[str, Path]:
    """Return every module of the library by its full name; a package is its `__init__`."""
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in LIBRARY.rglob("*.py")}
    return {name.removesuffix(".__init__"): path for name, path in sorted(paths.items())}


def package_of(name: str, path: Path) -> str:
    return name if path.stem == "__init__" else name.rpartition(".")[0]


def circles(imports: dict[str, set[str]]) -> list[set[str]]:
    """Return the sets of modules that reach each other, from what each imports."""
    names = sorted(imports)
    graph = np.array([[other in imports[name] for other in names] for name in names])
    _, component = connected_components(graph, directed=True, connection="strong")
    parts = [{name for name, part in zip(names, component, strict=True) if part == n} for n in set(component)]
    return [part for part in parts if len(part) > 1 or part & imports[min(part)]]


def import_graph(sources: dict[str, str], packages: dict[str, str]) -> dict[str, set[str]]:
    """Return which module imports which: ``from a import b`` is an import of the module a.b, or else of a."""
    graph: dict[str, set[str]] = {}
    for name, source in sources.items():
        found = imported(source, packages[name])
        graph[name] = {full if full in sources else full.rpartition(".")[0] for full in found} & set(sources)
    return graph


def test_no_module_imports_what_imports_it():
    """Imports inside functions and for type checkers count: a circle that happens to work is still one."""
    found = modules()
    graph = import_graph(
        {name: path.read_text("utf8") for name, path in found.items()},
        {name: package_of(name, path) for name, path in found.items()},
    )
    assert graph["explaint_lib.experiments.table._run"] >= {"explaint_lib.controls", "explaint_lib.results"}
    assert circles(graph) == []


def test_a_circle_is_caught():
    sources = {
        "explaint_lib.a": "from explaint_lib.a import _one",
        "explaint_lib.a._one": "def f():\n    from explaint_lib import b",
        "explaint_lib.b": "if TYPE_CHECKING:\n    from explaint_lib.c import x",
        "explaint_lib.c": "from explaint_lib.a import y",
        "explaint_lib.d": "from explaint_lib.a import y",
    }
    graph = import_graph(sources, {name: "explaint_lib" for name in sources})
    assert circles(graph) == [{"explaint_lib.a", "explaint_lib.a._one", "explaint_lib.b", "explaint_lib.c"}]


def crossings(name: str, package: str, source: str) -> set[tuple[str, str]]:
    """Return the imports of what is private in a package that the module is not in: (module, what is private)."""
    found = set()
    for full in imported(source, package):
        parts = full.split(".")
        private = next((place for place, part in enumerate(parts) if part.startswith("_")), None)
        if private is not None and not f"{package}.".startswith(".".join(parts[:private]) + "."):
            found.add((name.removeprefix("explaint_lib."), ".".join(parts[1 : private + 1])))
    return found


def test_nothing_private_crosses_rooms():
    found = modules().items()
    every = [crossings(name, package_of(name, path), path.read_text("utf8")) for name, path in found]
    assert set().union(*every) == set()


def test_a_crossing_is_caught():
    table, own = "explaint_lib.experiments.table", "from explaint_lib.experiments.table._run import SHORT"
    assert crossings(f"{table}._draws", table, f"{own}\nfrom explaint_lib import _cache\nfrom . import _run") == set()
    grid = "explaint_lib.experiments.grid"
    assert crossings(f"{grid}._run", grid, own) == {("experiments.grid._run", "experiments.table._run")}
    inside = "def f():\n    from explaint_lib.norms import _core, FeatureNorms"
    assert crossings("explaint_lib.cli.table", "explaint_lib.cli", inside) == {("cli.table", "norms._core")}


def test_importing_a_light_room_does_not_load_torch():
    light = [room for room in ("norms", "metrics", "controls", "inference") if room in rooms()]
    program = f"import sys\nfor room in {light!r}: __import__('explaint_lib.' + room)\nsys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_every_room_has_its_page_of_the_library():
    pages = {path.stem for path in (ROOT / "book" / "api").glob("*.md")} - {"index"}
    assert pages == set(rooms()) - {"cli"}
    index = (ROOT / "book" / "api" / "index.md").read_text("utf8")
    for room in set(rooms()) - {"cli"}:
        page = (ROOT / "book" / "api" / f"{room}.md").read_text("utf8")
        assert f"automodule:: explaint_lib.{room}\n" in page and f"   explaint_lib.{room}\n" in index
        package = LIBRARY / room / "__init__.py"
        listed = package.is_file() and "__all__" in package.read_text("utf8")
        # autodoc shows what a package lists in __all__; of one that lists nothing, the page names the modules
        assert (":imported-members:" in page) == listed, room
        if package.is_file() and not listed:
            inside = {path.stem for path in package.parent.glob("*.py") if not path.stem.startswith("_")}
            assert inside <= {module for module in inside if f"explaint_lib.{room}.{module}\n" in page}, room


def test_every_module_and_public_function_says_what_it_is():
    silent = []
    for path in python_files():
        tree = ast.parse(path.read_text("utf8"))
        nodes = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        silent += [str(path.relative_to(ROOT))] if not ast.get_docstring(tree) else []
        silent += [f"{path.name}: {n.name}" for n in nodes if not n.name.startswith("_") and not ast.get_docstring(n)]
    assert silent == []


def test_files_stay_short():
    long = {str(path.relative_to(ROOT)): path.read_text("utf8").count("\n") for path in python_files()}
    assert {name: lines for name, lines in long.items() if lines > 350} == {}


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_the_code_is_lint_free_and_formatted(command):
    ruff = [sys.executable, "-m", "ruff", *command, "."]
    done = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# -- declared twice --------------------------------------------------------------------------------------------------


def test_conda_installs_what_pip_installs():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text("utf8"))["dependencies"]
    conda = [entry for entry in listed if isinstance(entry, str)]
    by_pip = next(entry for entry in listed if isinstance(entry, dict))["pip"]
    extras = PROJECT["optional-dependencies"]
    # conda has pip read the list beside environment.yml, so that the file is found from any folder
    assert by_pip == [
        "--constraint constraints.txt",
        *PROJECT["dependencies"],
        *extras["book"],
        *extras["test"],
        "--editable .",
    ]
    assert conda == [f"python{PROJECT['requires-python']}", "pip"]


def test_what_is_imported_is_asked_for():
    """By the project, or by a package that it asks for: what comes from further away may go without a word."""
    extras = PROJECT["optional-dependencies"]
    asked = {canonicalize_name(Requirement(line).name) for part in ("book", "test") for line in extras[part]}
    asked |= {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    theirs = [Requirement(line) for name in asked for line in importlib.metadata.requires(name) or ()]
    near = {canonicalize_name(one.name) for one in theirs if "extra" not in str(one.marker)}

    files = [file for folder in ("explaint_lib", "book", "tests") for file in (ROOT / folder).rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf8")))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    ours = {file.stem for file in files} | {"explaint_lib", "browser"}
    foreign = {name.split(".")[0] for name in names} - ours - sys.stdlib_module_names
    assert {"numpy", "sphinx", "papermill"} <= foreign
    packages = importlib.metadata.packages_distributions()
    brought = {name: {canonicalize_name(one) for one in packages.get(name, ())} for name in foreign}
    assert {name for name, of in brought.items() if not of & (asked | near)} == set()


def test_the_locked_versions_are_what_the_project_asks_for():
    lines = [line for line in (ROOT / "constraints.txt").read_text("utf8").splitlines() if not line.startswith("#")]
    locked = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    assert not [version for version in locked.values() if "+" in version]  # a local build no index would have
    extras = PROJECT["optional-dependencies"]
    for line in [*PROJECT["dependencies"], *extras["book"], *extras["test"], *extras["cluster"]]:
        wanted = Requirement(line)
        assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), line


def test_continuous_integration_runs_what_the_readme_says():
    readme = (ROOT / "README.md").read_text("utf8")
    commands = re.findall(r"^```\n(.+?)\n```$", readme, re.MULTILINE | re.DOTALL)
    assert commands == ["make book", "make test"]
    ci = (ROOT / ".ci" / "run").read_text("utf8")  # tests/test_ci.py runs it
    assert re.findall(r"^step [\w-]+ (.+)$", ci, re.MULTILINE) == ["make book", "make book", "make test"]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text("utf8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert "bash .ci/run" in [step.get("run") for step in steps]
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step["uses"]) for step in steps if "uses" in step)
    assert "actions/cache" not in str(steps)  # a run that finds the last one's caches proves nothing


def test_the_table_of_contents_lists_every_page_and_only_pages_that_exist():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))
    listed, waiting = [toc["root"]], [entry for part in toc["parts"] for entry in part["chapters"]]
    while waiting:
        entry = waiting.pop()
        listed.append(entry["file"])
        waiting += entry.get("sections", [])
    pages = [*ROOT.glob("book/*.md"), *ROOT.glob("book/api/*.md"), *ROOT.glob("notebooks/*.ipynb")]
    assert sorted(listed) == sorted(str(page.relative_to(ROOT).with_suffix("")) for page in pages)


def test_every_chapter_is_in_the_tables_of_the_readme_and_the_first_page():
    readme, index = ((ROOT / name).read_text("utf8") for name in ("README.md", "book/index.md"))
    for chapter in ROOT.glob("notebooks/*.ipynb"):
        assert f"(notebooks/{chapter.name})" in readme and f"(../notebooks/{chapter.name})" in index


def test_links_between_the_files_of_the_repository_lead_somewhere():
    broken = []
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("book/*.md")]:
        for target in re.findall(r"\]\(([^)#:\s]+)\)", path.read_text("utf8")):
            if "/" in target or "." in target:
                broken += [] if (path.parent / target).exists() else [f"{path.name}: {target}"]
    assert broken == []


# -- never committed ---------------------------------------------------------------------------------------------------


def test_nothing_that_may_not_be_passed_on_is_committed():
    human = re.compile(r"(mcrae|buchanan|binder|cslb).*\.(xlsx|csv|tsv|txt|dat|zip|parquet)$", re.IGNORECASE)
    assert [path for path in tracked() if human.search(path.name) or path.suffix in (".xlsx", ".whl", ".gguf")] == []


def test_no_file_is_large():
    assert [path for path in tracked() if path.stat().st_size > 1_000_000] == []


def test_no_file_names_a_place_that_exists_on_one_machine_only():
    places = [f"{ROOT.parent}/"] if ROOT.parent != Path("/") else []
    places += [f"/{name}/" for name in ("home/" + Path.home().name, "Users/" + Path.home().name)]
    index = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True
    ).stdout
    host = re.search(r"//(?:[^/@]*@)?([^/:]+)", index)
    if host and not host[1].endswith("pypi.org"):
        places.append(host[1])
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf8", errors="ignore")
        found += [f"{path.relative_to(ROOT)} names {place}" for place in places if place in text]
    assert found == []


def unsafe(source: str) -> list[str]:
    """Return what in a Python source would run code that comes with data."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name.split(".")[0] for alias in node.names} | {
                (getattr(node, "module", "") or "").split(".")[0]
            }
            found += sorted(names & {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"})
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            found += [name] if name in {"eval", "exec", "torch.load", "joblib.load", "yaml.load", "os.system"} else []
            for keyword in node.keywords:
                if (
                    keyword.arg in ("trust_remote_code", "allow_pickle", "shell")
                    and ast.unparse(keyword.value) != "False"
                ):
                    found.append(keyword.arg)
    return found


def test_no_code_runs_what_comes_with_data():
    found = {
        path.relative_to(ROOT).as_posix(): bad for path in python_files() if (bad := unsafe(path.read_text("utf8")))
    }
    assert found == {"explaint_lib/encoders/_pickled.py": ["torch.load"]}


def test_the_one_pickle_is_opened_in_one_way():
    """Bytes that were read and checked a line above, by the reader that knows tensors alone; no file, no name."""
    tree = ast.parse((ROOT / "explaint_lib/encoders/_pickled.py").read_text("utf8"))
    calls = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert [call for call in calls if "torch" in call] == [
        "torch.load(io.BytesIO(content), weights_only=True, map_location='cpu')"
    ]


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import load",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "np.load(file, allow_pickle=True)",
        "torch.load(file)",
        "eval(text)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_unsafe_code_is_caught(source: str):
    assert len(unsafe(source)) == 1


def test_the_version_is_said_once():
    said = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["tool"]["setuptools_scm"]["fallback_version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf8"))["version"] == said
    assert re.fullmatch(
        r"\d+\.\d+\.\d+", explaint_lib.__version__
    )  # no commit in it: manifests stay the same between tags


def test_hooks_fetch_nothing():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf8"))["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]
    assert {hook["language"] for hook in hooks[0]["hooks"]} == {"system"}
