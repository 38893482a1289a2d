"""Files that are never half written: what a killed run leaves is removed, what a living one writes is not."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from explaint_lib import _common
from explaint_lib._common import ExplaintError, atomic_path, check_writable, make_folder, scratch_folder, write_json

WRITER = """
import sys, time
from pathlib import Path
from explaint_lib._common import atomic_path
with atomic_path(Path(sys.argv[1])) as beside:
    beside.write_text("half")
    print("begun", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path):
    """Another process, in the middle of writing a file."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "a.json")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "begun\n"
    yield process
    process.kill()
    process.wait()


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_what_a_killed_run_left_is_removed_and_what_a_living_one_writes_is_not(writer, tmp_path):
    (tmp_path / ".explaint-writing-mine").mkdir()  # no name that a scratch folder has
    for attempt in (check_writable, lambda target: write_json(target, [])):
        attempt(tmp_path / "b.json")
        assert len(hidden(tmp_path)) == 2
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    assert len(hidden(tmp_path)) == 2
    check_writable(tmp_path / "b.json")
    assert hidden(tmp_path) == [".explaint-writing-mine"]
    assert sorted(os.listdir(tmp_path)) == [".explaint-writing-mine", "b.json"]


def test_a_scratch_folder_that_was_taken_for_a_leftover_is_replaced(tmp_path, monkeypatch):
    lock, taken = _common._lock, []

    def slow(folder):
        if not taken:  # another process removes it between its making and its locking
            taken.append(folder)
            folder.rmdir()
        return lock(folder)

    monkeypatch.setattr(_common, "_lock", slow)
    with scratch_folder(tmp_path) as folder:
        assert folder.is_dir() and folder != taken[0]
    assert os.listdir(tmp_path) == []


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: events.append("flushed") or fsync(fd))
    monkeypatch.setattr(os, "replace", lambda a, b: events.append("named") or replace(a, b))
    write_json(tmp_path / "a.json", [1])
    assert events == ["flushed", "named"] and (tmp_path / "a.json").read_text() == "[\n 1\n]\n"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO, errno.EMFILE, None])
def test_a_write_that_fails_is_one_sentence_and_leaves_the_old_file(code, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "elsewhere"))
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(ExplaintError) as caught, atomic_path(target) as beside:
        beside.write_text("half")
        raise OSError(code, os.strerror(code)) if code else OSError("12 requested and 3 written")
    said = str(caught.value)
    assert said.startswith(f"cannot write {target}: ") and said.endswith("choose another folder")
    assert ("free some space" in said) == (code in (errno.ENOSPC, errno.EDQUOT)) and "\n" not in said
    assert target.read_text() == "old" and os.listdir(tmp_path) == ["a.json"]
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path))
    with pytest.raises(ExplaintError, match="set EXPLAINT_CACHE to a folder of yours"), atomic_path(target):
        raise OSError(errno.ENOSPC, "full")


def test_a_full_disk_is_known_before_the_run(tmp_path, monkeypatch):
    written = []

    def full(fd):
        written.append(os.fstat(fd).st_size)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExplaintError, match="No space left on device; free some space"):
        check_writable(tmp_path / "a.json")
    assert written == [65536] and os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", [300 * "a", "folder", "absent/a.json", "pipe", "a.json/b.json"])
def test_a_place_that_cannot_be_written_to_is_named(name, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.json").touch()
    os.mkfifo(tmp_path / "pipe")
    for attempt in (check_writable, lambda target: write_json(target, [])):
        with pytest.raises(ExplaintError, match="cannot write"):
            attempt(tmp_path / name)
    assert hidden(tmp_path) == []
    with pytest.raises(ExplaintError, match="cannot write"):
        make_folder(tmp_path / "a.json" / "b")


PARENT = """
import subprocess, sys, time
from explaint_lib._orphans import command
child = subprocess.Popen(command("http.server", "0", "--bind", "127.0.0.1"), stdout=subprocess.PIPE, text=True)
print(child.pid, child.stdout.readline(), flush=True)
time.sleep(60)
"""


def test_a_process_ends_with_the_one_that_started_it_even_if_that_is_killed():
    parent = subprocess.Popen([sys.executable, "-u", "-c", PARENT], stdout=subprocess.PIPE, text=True)
    child = psutil.Process(int(parent.stdout.readline().split()[0]))
    assert child.is_running() and "http.server" in child.cmdline()
    parent.kill()
    parent.wait()
    assert psutil.wait_procs([child], timeout=10)[1] == []
