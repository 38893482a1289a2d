"""The grid under real deaths: the whole process killed, a worker of a cluster killed; and its command line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import typer
import yaml
from conftest import ROOT
from helpers_grid import make_world
from typer.testing import CliRunner

from explaint_lib._common import ExplaintError
from explaint_lib.cli import sweep as command
from explaint_lib.encoders import _load
from explaint_lib.experiments.grid import Grid, read_grid, run_grid

_NO_PLSR = {"components": None}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("world")) | {"bootstrap": 2000}


@pytest.fixture(scope="module")
def expected(world, tmp_path_factory):
    """The bytes of the table and its manifest, made without a stop by one process."""
    folder = tmp_path_factory.mktemp("unbroken")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLAINT_CACHE", str(folder / "cache"))
        run_grid(Grid(**world), out=folder / "grid.parquet")
    return written(folder)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def written(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "grid.parquet").read_bytes(), (folder / "grid.manifest.json").read_bytes()


def cells(cache: Path) -> int:
    return len(list(cache.glob("cells/*.json")))


def wait_for(count: int, cache: Path, alive) -> None:
    while alive() and cells(cache) < count:
        time.sleep(0.01)


def test_a_killed_process_leaves_what_it_finished_and_the_next_one_goes_on(world, expected, cache, tmp_path):
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(world))
    program = "import sys; from explaint_lib.cli import main; sys.argv[0] = 'explaint'; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "sweep", str(tmp_path / "grid.yaml")],
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    wait_for(4, cache, lambda: process.poll() is None)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = cells(cache)
    assert 4 <= done < 18 and not (tmp_path / "grid.parquet").exists()
    run_grid(read_grid(tmp_path / "grid.yaml"), out=tmp_path / "grid.parquet", jobs=2)
    assert cells(cache) == 18 and written(tmp_path) == expected


def test_a_cluster_that_loses_a_worker_gives_the_same_table(world, expected, cache, tmp_path):
    distributed = pytest.importorskip("dask.distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0, silence_logs=50
    ) as cluster:
        pids = [worker.pid for worker in cluster.workers.values()]

        def kill() -> None:
            wait_for(2, cache, lambda: not over.is_set())
            os.kill(pids[0], signal.SIGKILL)
            done.append(cells(cache))

        over, done = threading.Event(), []
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            run_grid(Grid(**world), out=tmp_path / "grid.parquet", backend="dask", scheduler=cluster.scheduler_address)
        finally:
            over.set()
            killer.join()
    assert 2 <= done[0] < 18, "the worker was killed in the middle"
    assert written(tmp_path) == expected


def test_a_scheduler_that_does_not_answer_is_named(world, cache, monkeypatch):
    distributed = pytest.importorskip("dask.distributed")

    def client(address, timeout):
        raise OSError(f"Timed out trying to connect to {address} after {timeout} s")

    monkeypatch.setattr(distributed, "Client", client)
    with pytest.raises(ExplaintError, match="no Dask scheduler answers at tcp://127.0.0.1:1.*dask worker"):
        run_grid(Grid(**world), backend="dask", scheduler="tcp://127.0.0.1:1")


# ---- the command


def run(*arguments: object, code: int = 0) -> str:
    """Run the command; a fault the user can mend comes back as the exception that `explaint` prints."""
    app = typer.Typer(rich_markup_mode="rich")
    app.command()(command.sweep)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, ExplaintError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_the_grid_of_the_help_text_is_a_grid(tmp_path):
    shown = command.sweep.__doc__.replace("\\[", "[").split("A whole grid file:")[1].split("Only norms and models")[0]
    path = tmp_path / "layers.yaml"
    path.write_text(re.sub(r"^    ", "", shown.replace("\b", ""), flags=re.MULTILINE))
    found = read_grid(path)
    assert set(yaml.safe_load(path.read_text())) == set(Grid.__dataclass_fields__), "the example shows every key"
    assert [model.untrained for model in found.models] == [None, 0, None] and found.layers == ("all",)


def test_help_shows_the_lists_of_the_example(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    shown = run("--help")
    assert "norms: [bundled]" in shown and "[plsr, ridge]" in shown and "--backend" in shown


def test_a_dry_run_lists_the_cells_and_computes_nothing(world, cache, tmp_path):
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(world | {"layers": [0, 2]}))
    shown = run(tmp_path / "grid.yaml", "--dry-run").splitlines()
    assert len(shown) == 13 and shown[-1] == "12 cells, 0 of them in the cache; 240 fits to do"
    assert all(line.startswith("to do") for line in shown[:-1]) and cells(cache) == 0
    assert (
        shown[-2].endswith("untrained 0  layer 2  plsr 2  seed 0  20 fits of 2 folds")
        and not (tmp_path / "grid.parquet").exists()
    )


def test_a_dry_run_reads_no_weights_and_knows_what_is_in_the_cache(world, cache, tmp_path, monkeypatch):
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(world | {"layers": "last", "mappers": ["mean"]} | _NO_PLSR))
    shown = []
    for _ in range(2):
        with monkeypatch.context() as patch:
            for make in ("trained_model", "untrained_model"):
                patch.setattr(_load, make, lambda *_: pytest.fail("weights were read"))
            shown.append(run(tmp_path / "grid.yaml", "--dry-run").splitlines())
        run_grid(read_grid(tmp_path / "grid.yaml"))
    assert shown[0][-1] == "2 cells, 0 of them in the cache; 40 fits to do"
    assert shown[1][-1] == "2 cells, 2 of them in the cache; 0 fits to do"
    assert [line[7:] for line in shown[0][:-1]] == [line[7:] for line in shown[1][:-1]]


def test_the_command_writes_the_table_beside_the_grid_or_where_it_is_told(world, cache, tmp_path):
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(world | {"layers": 1, "mappers": "mean", "components": None}))
    assert "18 rows" not in run(tmp_path / "grid.yaml", "--out", tmp_path / "other.csv")
    assert (tmp_path / "other.csv").is_file() and (tmp_path / "other.manifest.json").is_file()
    assert "grid.manifest.json" in run(tmp_path / "grid.yaml") and (tmp_path / "grid.parquet").is_file()
    with pytest.raises(ExplaintError, match="--scheduler is an address.*--backend dask"):
        run(tmp_path / "grid.yaml", "--scheduler", "tcp://a:1")


def test_a_stopped_run_says_that_it_can_go_on(world, cache, tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(world))
    monkeypatch.setattr("explaint_lib.experiments.grid.run_grid", stopped)
    assert "goes on from there" in run(tmp_path / "grid.yaml", code=130)


def test_the_command_is_part_of_explaint():
    assert 'app.command("sweep")' in (ROOT / "explaint_lib" / "cli" / "__init__.py").read_text("utf8")
