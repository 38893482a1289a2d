"""What continuous integration does, with the long commands replaced by short ones of the same kind."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

# a `make` that writes down where it runs, and runs "chapters" as the mode in the file ~ says
MAKE = """\
#!/bin/sh
echo "$1 home=$(ls -A "$HOME" | wc -l) data=${EXPLAINT_DATA-unset} cache=${XDG_CACHE_HOME-unset} hf=${HF_HOME-unset}\
 pip=$PIP_CACHE_DIR browser=$EXPLAINT_REQUIRE_BROWSER node=${EXPLAINT_REQUIRE_NODE-unset}\
 venv=$(ls -d .venv 2>/dev/null)" >> "$LOG"
mkdir -p _build/chapters/quick _build/html
case "$1" in
    book) if [ -e _build/chapters/quick/01.ipynb ] && [ "$MODE" != rerun ]; then echo "  01: unchanged, kept"
          echo "  pages: unchanged, kept"
          [ "$MODE" = changed ] && date +%N > _build/html/index.html
          else echo "  01: running ..."; echo "  01: ran in 1 s"; echo 1 > _build/chapters/quick/01.ipynb
               echo 1 > _build/html/index.html; fi ;;
    test) [ "$MODE" = retest ] && echo 2 > _build/chapters/quick/01.ipynb ;;
esac
[ "$MODE" = "fail-$1" ] && exit 2
exit 0
"""

# an `npm` that installs, or finds no network
NPM = """\
#!/bin/sh
[ "$NPM" = fails ] && { mkdir -p node_modules/half; exit 1; }
mkdir -p node_modules
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one chapter and the real ``.ci/run``."""
    top = tmp_path / "top"
    (top / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", top / ".ci" / "run")
    (top / "notebooks").mkdir()
    (top / "notebooks" / "01.ipynb").write_text("{}", "utf8")
    (top / ".venv").mkdir()  # of the developer, ignored: must not be used
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(top)]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in {"make": MAKE, "npm": NPM, "chromium": "#!/bin/sh\n"}.items():
        (tools / name).write_text(text, "utf8")
        (tools / name).chmod(0o755)
    return top


def run(checkout: Path, mode: str, **more: str) -> tuple[subprocess.CompletedProcess, list[str]]:
    log = checkout.parent / "log"
    env = os.environ | {"PATH": f"{checkout.parent / 'tools'}:{os.environ['PATH']}", "LOG": str(log), "MODE": mode}
    done = subprocess.run(["bash", str(checkout / ".ci" / "run")], env=env | more, capture_output=True, text=True)
    return done, log.read_text("utf8").splitlines()


def test_ci_proves_the_readme_on_an_empty_home(checkout: Path):
    warm = {"EXPLAINT_DATA": "/x", "XDG_CACHE_HOME": "/x", "HF_HOME": "/x", "PIP_CACHE_DIR": "/pip"}
    done, log = run(checkout, "good", **warm)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in log] == ["book", "book", "test"]
    for line in log:
        assert " home=0 data=unset cache=unset hf=unset pip=/pip browser=1 " in line and line.endswith(" venv=")
    assert "cold: all of it holds" in done.stdout and not (checkout / "_build").exists()


@pytest.mark.parametrize(("npm", "node"), [("installs", "1"), ("fails", "unset")])
def test_the_javascript_is_checked_where_npm_installs_and_else_said_not_to_be(checkout: Path, npm: str, node: str):
    done, log = run(checkout, "good", NPM=npm, EXPLAINT_REQUIRE_NODE="1" if npm == "fails" else "")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f" node={node} " in log[-1] and ("is not checked" in done.stdout) == (npm == "fails")


@pytest.mark.parametrize(
    ("mode", "message", "steps"),
    [
        ("fail-book", "book: FAILED", 1),
        ("rerun", "the second make book ran a chapter", 2),
        ("changed", "the second make book made another book", 2),
        ("fail-test", "test: FAILED", 3),
        ("retest", "make test ran chapters again", 3),
    ],
)
def test_ci_fails_where_a_promise_is_broken(checkout: Path, mode: str, message: str, steps: int):
    done, log = run(checkout, mode)
    assert done.returncode != 0 and message in done.stdout + done.stderr
    assert len(log) == steps


def test_a_checkout_that_git_does_not_trust_is_copied(checkout: Path):
    refusing = checkout.parent / "tools" / "git"
    refusing.write_text("#!/bin/sh\necho 'fatal: detected dubious ownership' >&2\nexit 128\n", "utf8")
    refusing.chmod(0o755)
    done, log = run(checkout, "good")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in log] == ["book", "book", "test"]
    assert all(line.endswith("venv=") for line in log)
