"""What is kept between runs: a key that knows all a result depends on; entries that are believed only when whole."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from explaint_lib import _cache
from explaint_lib._cache import Entry, computer, file_hash, hashed, kept
from explaint_lib._common import ExplaintError

ARRAY = np.arange(12, dtype=np.float32).reshape(4, 3)
CONTENTS = {".npy": ARRAY, ".npz": {"0/a": ARRAY, "1/b": ARRAY[:, :0]}, ".json": {"rows": [{"value": 0.25}], "n": 3}}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def same(one, other) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return np.array_equal(one, other)


def replaced(old: bytes, new: bytes):
    return lambda path: path.write_bytes(path.read_bytes().replace(old, new))


def flipped(place: float):
    """Change one bit at a place of the file, given as a share of its length."""

    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(place * (len(content) - 1))] ^= 1
        path.write_bytes(content)

    return damage


def cut(keep: float):
    return lambda path: os.truncate(path, int(keep * path.stat().st_size))


DAMAGES = {
    "empty": cut(0),
    "cut to its first bytes": lambda path: os.truncate(path, 10),
    "cut in half": cut(0.5),
    "its last byte missing": lambda path: os.truncate(path, path.stat().st_size - 2),
    "without its seal": lambda path: path.write_bytes(path.read_bytes().rstrip(b"\n").rpartition(b"\n")[0]),
    "zeros, as after a power cut": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "a bit at the beginning": flipped(0),
    "a bit in the content": flipped(0.3),
    "a bit in the digest": flipped(0.98),
    "something behind it": lambda path: path.write_bytes(path.read_bytes() + b"more\n"),
    "another program's": lambda path: path.write_text("{}\n"),
    "a list for a seal": lambda path: path.write_bytes(b"x\n[1]\n"),
    "another entry under its name": lambda path: shutil.copy(path.with_stem("other"), path),
}


@pytest.mark.parametrize("suffix", CONTENTS)
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_a_damaged_entry_is_not_believed_and_one_line_says_so(damage, suffix, caplog):
    entry, content = Entry("room", "key", suffix), CONTENTS[suffix]
    for one in (entry, Entry("room", "other", suffix)):
        one.write(content)
        assert same(one.read(), content)
    assert caplog.messages == []
    damage(entry.path)
    assert entry.read() is None
    assert len(caplog.messages) == 1 and str(entry.path) in caplog.text and "computed again" in caplog.text
    entry.write(content)
    assert same(entry.read(), content) and len(caplog.messages) == 1


def test_every_single_bit_counts():
    entry = Entry("room", "key", ".json")
    entry.write({"value": 0.125})
    whole = entry.path.read_bytes()
    for place in range(len(whole)):
        for bit in (1, 16):
            damaged = bytearray(whole)
            damaged[place] ^= bit
            entry.path.write_bytes(damaged)
            # white space between the parts of the seal may change: it says nothing
            assert entry.read() in (None, {"value": 0.125}), place


def test_an_entry_that_cannot_be_read_is_computed_again(caplog):
    entry = Entry("room", "key", ".npy")
    entry.path.mkdir(parents=True)
    assert entry.read() is None and "cannot be read (Is a directory)" in caplog.text


def test_no_pickle_is_written_or_read():
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Entry("room", "key", ".npy").write(np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Entry("room", "key", ".npz").write({"a": np.array([{}], dtype=object)})


def run(about=None, *, code="explaint_lib._common"):
    """Ask for a result; return it and whether it was computed."""
    computed = []
    found = kept("room", about or {"seed": 0}, lambda: computed.append(1) or ARRAY, code=code)
    assert np.array_equal(found, ARRAY)
    return bool(computed)


def test_a_result_is_computed_once():
    assert run() and not run()
    assert run({"seed": 1}) and not run({"seed": 1}) and not run()
    assert run(code="explaint_lib._cache")


@pytest.mark.parametrize("what", ["versions", "platform", "processor", "code"])
def test_a_result_made_by_something_else_is_computed_again(what, monkeypatch):
    run()
    other = computer() | {what: "other"}
    monkeypatch.setattr(_cache, "computer", lambda: other)
    if what == "code":
        monkeypatch.setattr(_cache, "computer", computer)
        monkeypatch.setattr(_cache, "code_hash", lambda module: "other")
    assert run() and not run()
    monkeypatch.undo()


def test_a_large_file_is_read_once_and_again_when_it_was_touched(tmp_path, monkeypatch):
    monkeypatch.setattr(_cache, "_LARGE", 4)
    read, reads = _cache._read_and_hash, []
    monkeypatch.setattr(_cache, "_read_and_hash", lambda path: reads.append(path) or read(path))
    path = tmp_path / "weights"
    path.write_bytes(b"weights")
    first = file_hash(path)
    assert file_hash(path) == first and len(reads) == 1
    times = path.stat()
    path.write_bytes(b"Weights")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # the time of a change of the file itself stays
    assert file_hash(path) == read(path) != first


def test_the_processor_is_what_the_libraries_use(monkeypatch):
    import torch

    before = computer()["processor"]
    assert before == computer()["processor"] and any("blas" in one or "mkl" in one for one in before)
    _cache._processor.cache_clear()
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert computer()["processor"] != before
    monkeypatch.undo()
    _cache._processor.cache_clear()


def test_a_cache_that_cannot_be_written_to_is_known_before_computing(cache):
    cache.write_text("a file where the folder should be")
    with pytest.raises(ExplaintError, match=r"cannot write .*; set EXPLAINT_CACHE to a folder of yours"):
        kept("room", {}, lambda: pytest.fail("it was computed"), code="explaint_lib._common")


def test_a_disk_that_fills_up_costs_the_entry_and_not_the_result(cache, monkeypatch, caplog):
    fsync, full = os.fsync, []

    def flush(fd):
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", flush)
    found = kept("room", {}, lambda: full.append(1) or ARRAY, code="explaint_lib._common")
    assert np.array_equal(found, ARRAY) and "No space left on device" in caplog.text and len(caplog.messages) == 1
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_hashes_do_not_depend_on_the_order_of_keys():
    assert hashed({"a": 1, "b": [2]}) == hashed({"b": [2], "a": 1}) != hashed({"a": 1, "b": [3]})
