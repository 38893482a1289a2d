"""Processes that end with the one that started them, however that one ends."""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time


def end_with(parent: int) -> None:
    """End this process soon after its parent is gone: a killed one cannot tell its children to stop.

    Parameters
    ----------
    parent : int
        The process that started this one.
    """

    def watch() -> None:
        while os.getppid() == parent:  # an orphan gets another parent
            time.sleep(0.2)
        os._exit(1)

    if os.name == "posix":  # elsewhere an orphan keeps the number of its parent
        threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


def command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module, as ``python -m`` does, in a process that does not outlive this one."""
    return [sys.executable, __file__, str(os.getpid()), module, *arguments]


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    del sys.path[0], sys.argv[:2]  # this file's folder is no place to import from
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
