"""The widgets' JavaScript: types, style, tests of its own, and that what is shipped is what the sources give.

Who does not edit it needs no Node: without the packages of package-lock.json all of this is skipped, and said to be.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

from explaint_lib.widgets._base import read_bundle

JS = ROOT / "explaint_lib" / "widgets" / "js"
BUNDLES = ROOT / "explaint_lib" / "widgets" / "bundles"
NEEDS = json.loads((ROOT / "package.json").read_text("utf8"))["devDependencies"]


def installed(package: str) -> str | None:
    """Return the version of an installed npm package."""
    about = ROOT / "node_modules" / package / "package.json"
    return json.loads(about.read_text("utf8"))["version"] if about.is_file() else None


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a script of package.json, with the versions that package-lock.json names, or skip."""
    missing = [f"{name} {version}" for name, version in NEEDS.items() if installed(name) != version]
    if shutil.which("npm") is None or missing:
        say = pytest.fail if os.environ.get("EXPLAINT_REQUIRE_NODE") else pytest.skip
        say("the npm packages of package-lock.json are not installed (npm ci): the widgets' sources were not checked")
    return subprocess.run(["npm", "run", "--silent", *command], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("script", ["types", "lint", "test"])
def test_the_javascript_holds(script: str):
    done = run(script)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_shipped_is_what_the_sources_give(tmp_path: Path):
    done = run("build", "--", f"--outdir={tmp_path}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in BUNDLES.iterdir())
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (BUNDLES / path.name).read_bytes(), f"{path.name} is old: npm run build"


@pytest.mark.parametrize("script", ["types", "lint", "test", "build"])
def test_a_fault_in_the_javascript_is_caught(script: str, tmp_path: Path):
    """The same scripts on a copy with one fault that each of them must see."""
    run(script)  # or skip
    for name in ("package.json", "tsconfig.json", "biome.json"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(JS, tmp_path / JS.relative_to(ROOT))
    shutil.copytree(ROOT / "tests" / "js", tmp_path / "tests" / "js")
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    source = tmp_path / JS.relative_to(ROOT) / "keys.js"
    faults = {
        "types": ("const next = chosen + steps[key];", 'const next = chosen + "1";'),
        "lint": ("const next = chosen + steps[key];", "debugger;\n  const next = chosen + steps[key];"),
        "test": ("const next = chosen + steps[key];", "const next = chosen - steps[key];"),
        "build": ("export function nextHead(", "function nextHead("),
    }
    before, after = faults[script]
    text = source.read_text("utf8")
    assert before in text
    source.write_text(text.replace(before, after), "utf8")
    done = subprocess.run(["npm", "run", "--silent", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and "keys" in done.stdout + done.stderr


# -- without Node --


def test_the_versions_are_exact_and_the_lock_names_the_same():
    lock = json.loads((ROOT / "package-lock.json").read_text("utf8"))["packages"]
    assert lock[""]["devDependencies"] == NEEDS and all(re.fullmatch(r"[\d.]+", version) for version in NEEDS.values())
    for name, version in NEEDS.items():
        assert lock[f"node_modules/{name}"]["version"] == version
    assert all("integrity" in about for name, about in lock.items() if name)  # the bytes, whatever mirror has them


@pytest.mark.parametrize(
    "path", [*sorted(JS.glob("*.js")), *sorted(BUNDLES.glob("*.js"))], ids=lambda p: f"{p.parent.name}-{p.name}"
)
def test_modules_reach_for_nothing_outside(path: Path):
    source = path.read_text("utf8").replace("http://www.w3.org/2000/svg", "")  # a namespace, never fetched
    source = re.sub(r'\bimport\("\./[\w.]+"\)\.', "", source)  # types
    assert not re.search(
        r"https?:|//[a-z0-9-]+\.[a-z]|\bfetch\s*\(|XMLHttpRequest|WebSocket|\beval\b|\brequire\s*\(", source
    )
    imported = re.findall(r"^(?:import|export)\b[^;]*?\bfrom\s*(\S+);|\bimport\s*\((\w+)\)", source, re.MULTILINE)
    for module, address in imported:
        if path.stem == "start" and address:
            assert (
                address == "address" and "address = URL.createObjectURL(" in source
            )  # what stands beside it in the page
        else:
            assert path.parent == JS and re.fullmatch(r'"\./[\w.]+\.js"', module) and (JS / module[3:-1]).is_file()
    assert "innerHTML" not in source and "</script" not in source.lower() and "<!--" not in source


def test_each_widget_ships_one_module_with_the_export_that_a_notebook_looks_for():
    for name in ("attention", "neighbourhood"):
        assert re.search(r"^export \{[^}]*\bas default\b", read_bundle(name), re.MULTILINE)
    assert "export" not in read_bundle("start")


def test_no_source_is_longer_than_a_reader_can_hold():
    assert {path.name: n for path in JS.iterdir() if (n := len(path.read_text("utf8").splitlines())) > 350} == {}
