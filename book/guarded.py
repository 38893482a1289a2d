"""Run a Python program that ends, with all it has started, when the one who asked for it ends, however that ends.

``python book/guarded.py PROGRAM ...`` is what `run` starts, in a session of its own. Its standard input is one end of a
pipe of which the starter alone holds the other: when that is closed, by `end_all` or because the starter was killed,
the read below returns, and the program and everything under it is killed. No signal of one system only is needed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


class _Lifeline:
    """The starter's end of one program's pipe."""

    def __init__(self, end: int) -> None:
        self._end, self._lock, self.cut_off = end, threading.Lock(), False

    def cut(self) -> None:
        """Close it, which ends the program if that still runs."""
        with self._lock:
            if not self.cut_off:
                self.cut_off = True
                os.close(self._end)


_lifelines: set[_Lifeline] = set()


class Ended(Exception):
    """A program was ended by `end_all`."""


def run(
    program: str, *arguments: str, python: str = sys.executable, env: dict[str, str] | None = None, quiet: bool = True
) -> subprocess.CompletedProcess:
    """Run a program (a module, ``module:function`` or a ``.py`` file) to its end; any thread may call this.

    Parameters
    ----------
    program : str
    *arguments : str
        Its command line.
    python : str
        The interpreter.
    env : dict, optional
        Its environment, whole.
    quiet : bool, default True
        Keep what it writes in the result, instead of letting it through.

    Raises
    ------
    Ended
        If `end_all` was called.
    """
    theirs, ours = os.pipe()
    lifeline = _Lifeline(ours)
    _lifelines.add(lifeline)
    process = None
    try:
        process = subprocess.Popen(
            [python, os.path.abspath(__file__), program, *arguments],
            stdin=theirs,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.PIPE if quiet else None,
            env=env,
            encoding="utf8",
            errors="replace",
            start_new_session=True,
        )
        said, complained = process.communicate()
        if lifeline.cut_off:
            raise Ended(program)
        return subprocess.CompletedProcess(process.args, process.returncode, said, complained)
    finally:  # on Ctrl-C too: the program has a session of its own, and did not hear of it
        lifeline.cut()
        _lifelines.discard(lifeline)
        os.close(theirs)
        if process is not None:
            process.wait()


def end_all() -> None:
    """End every program that `run` has under way, in whatever thread."""
    for lifeline in list(_lifelines):
        lifeline.cut()


def stop_on_signals() -> None:
    """Let every signal that asks a program to end raise KeyboardInterrupt, with its number, as Ctrl-C does."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup and the like stay as they are
            signal.signal(number, stop)


def end_with_make() -> None:
    """Under make, end as soon as make does: killed outright, it cannot pass the signal on."""
    if "MAKELEVEL" not in os.environ:
        return
    make = os.getppid()

    def watch() -> None:
        while os.getppid() == make:
            threading.Event().wait(0.5)
        if (main := threading.main_thread().ident) is not None:
            signal.pthread_kill(main, signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _end_with(lifeline: int) -> None:
    """Wait until the other end of the pipe is closed, then kill everything under this process, and this process."""
    os.read(lifeline, 1)
    try:
        import psutil  # a kernel lives in a session of its own; not there yet while the packages are being installed

        for process in psutil.Process().children(recursive=True):
            process.kill()
    except Exception:  # whatever else goes wrong, this process must end
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _program() -> str | int | None:
    """Run the program named on the command line as Python would; return what it hands to the system."""
    import runpy

    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    name, sys.argv = sys.argv[1], sys.argv[1:]
    del sys.path[0]  # the folder of this file: its modules must not stand in the way of others of the same name
    if name.endswith(".py"):
        sys.path.insert(0, os.path.dirname(os.path.abspath(name)))
        runpy.run_path(name, run_name="__main__")
        return 0
    module, _, function = name.partition(":")
    if not function:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return 0
    __import__(module)
    return getattr(sys.modules[module], function)()


if __name__ == "__main__":
    if os.getpgrp() != os.getpid():
        sys.exit("guarded.py is started by `run`, in a session of its own")
    sys.exit(_program())
