"""An interrupted installation is not trusted: no stamp, and the next one begins from nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import guarded
import install
import pytest
from conftest import ROOT
from install import InstallError, incomplete

LOCK = "# a comment\nsmall-package==1.0\nother==2.0\n"


def package(folder: Path, name: str = "small_package", version: str = "1.0") -> Path:
    """Lay out an installed package of one module; return its folder of facts."""
    facts = folder / f"{name}-{version}.dist-info"
    facts.mkdir(parents=True)
    (folder / f"{name}.py").write_text("x = 1\n", "utf8")
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf8")
    lines = [f"{name}.py,,", f"{facts.name}/METADATA,,", f"{facts.name}/RECORD,,", f"__pycache__/{name}.pyc,,"]
    (facts / "RECORD").write_text("\n".join(lines) + "\n", "utf8")
    return facts


def test_whole_packages_of_the_locked_versions_are_complete(tmp_path: Path):
    package(tmp_path)
    package(tmp_path, "other", "2.0+cpu")  # a build of the same version
    package(tmp_path, "unlocked", "7")
    assert incomplete(tmp_path, LOCK) == []


def test_a_package_that_pip_left_half_copied_is_found(tmp_path: Path):
    (package(tmp_path) / "RECORD").unlink()
    package(tmp_path, "other", "2.0")
    (tmp_path / "other.py").unlink()
    assert incomplete(tmp_path, LOCK) == [
        "other lacks 1 of its files, other.py for one",
        "small_package lacks the list of its files",
    ]


def test_another_version_than_the_locked_is_found(tmp_path: Path):
    package(tmp_path, version="1.1")
    assert incomplete(tmp_path, LOCK) == ["small_package is 1.1, expected 1.0"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose "pip" copies one package, and does as the file ``mode`` says."""
    (tmp_path / "constraints.txt").write_text(LOCK, "utf8")
    (tmp_path / "pyproject.toml").write_text("[project]\n", "utf8")
    (tmp_path / "mode").write_text("", "utf8")

    def run(program: str, *arguments: str, python: str, quiet: bool) -> subprocess.CompletedProcess:
        venv, mode = tmp_path / ".venv", (tmp_path / "mode").read_text("utf8")
        if program == "venv":
            venv.mkdir()
            return subprocess.CompletedProcess([], 0)
        if arguments[0] == "install":
            place = Path(install.sysconfig.get_path("purelib", "venv", {"base": str(venv), "platbase": str(venv)}))
            facts = package(place)
            if mode == "killed":
                (facts / "RECORD").unlink()
                raise KeyboardInterrupt
            if mode == "half":
                (facts / "RECORD").unlink()
        return subprocess.CompletedProcess([], int(mode == arguments[0]))

    monkeypatch.setattr(guarded, "run", run)
    return tmp_path


def test_a_complete_installation_is_left_alone(project: Path):
    assert install.install(project) and not install.install(project)
    (project / "constraints.txt").write_text(LOCK + "third==3\n", "utf8")
    assert install.install(project) and not install.install(project)


@pytest.mark.parametrize("mode", ["killed", "half", "install", "check"])
def test_an_installation_that_did_not_end_well_is_made_anew(project: Path, mode: str):
    (project / "mode").write_text(mode, "utf8")
    with pytest.raises(KeyboardInterrupt if mode == "killed" else InstallError):
        install.install(project)
    assert not (project / ".venv" / ".installed").exists()
    (project / "mode").write_text("", "utf8")
    (project / ".venv" / "left").write_text("of the half-made one", "utf8")
    assert install.install(project) and not (project / ".venv" / "left").exists()


def test_the_venv_of_the_old_makefile_is_made_anew(project: Path):
    (project / ".venv").mkdir()
    (project / ".venv" / ".installed").touch()  # it was written whatever pip left behind
    assert install.install(project)


def test_a_link_to_another_venv_is_taken_away_and_not_followed(project: Path):
    (project / "theirs").mkdir()
    (project / "theirs" / "kept").touch()
    (project / ".venv").symlink_to(project / "theirs")
    assert install.install(project) and (project / "theirs" / "kept").exists()


def test_make_begins_nothing_without_a_complete_installation(tmp_path: Path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "install.py").write_text("import sys; sys.exit('install: no')", "utf8")
    for target in ("book", "test", "bench", "lab"):
        done = subprocess.run(["make", target], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode != 0 and "install: no" in done.stderr
