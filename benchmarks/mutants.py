"""Put small faults into the library, one at a time, and see whether the fast tests notice: a room's mutation score.

    make mutants ARGS="metrics inference --sample 40"

A mutant is one change of one place: a comparison moved by one (``<`` to ``<=``) or turned round, ``+`` for ``-``,
``and`` for ``or``, a number off by one, the other axis, a flag turned over, a condition that always or never holds, a
keyword argument that is not passed on, a statement left out. Messages of errors, annotations and docstrings are left
alone. All mutants of the modules named are listed, a seeded sample of them is drawn, and each is run on the room's
test files, as they stand in the fast tier, in a copy of the tree. It is killed if a test fails, or if the tests take
far longer than without it; else it survives and is printed. A survivor is either a gap in the tests or a change that
changes no number: which of the two, a reader must say.

Why by hand: a test file here spends 5 to 20 seconds loading NumPy, SciPy, scikit-learn and PyTorch. cosmic-ray starts a
new Python for each mutant and pays that every time. mutmut runs the project as its configuration in pyproject.toml
says, and by its documentation draws no samples, and neither leaves statements out nor fixes conditions, which is how
branches die unseen. Here third-party libraries are loaded once and each mutant is a fork: a few seconds for one that is
killed early. Docstring examples are not run, so that the score is that of the tests alone.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before NumPy is loaded: threads do not survive a fork
    os.environ[name] = "1"

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("explaint_lib", "tests", "notebooks", "book", "pyproject.toml", "Makefile")
LOADED = (
    "pytest", "numpy", "pandas", "scipy.stats", "scipy.sparse.linalg", "scipy.sparse.csgraph", "torch", "wordfreq",
    "scipy.cluster.hierarchy", "sklearn.cross_decomposition", "sklearn.linear_model", "sklearn.metrics",
    "sklearn.pipeline", "sklearn.impute", "sklearn.utils.estimator_checks", "matplotlib.pyplot",
)  # fmt: skip

#: Test files of each room; other rooms' tests would kill more, later.
TESTS = {
    "metrics": "metrics hubs_and_zeros metric_objects neighbour_ties geometry_metrics table_scoring treatments",
    "controls": "controls pairings_and_splits condition_objects",
    "inference": "verdict compare inference decomposition",
    "mappers": "mapper_branches mappers cross_fit",
    "continuity": "continuity continuity_worlds",
    "reactions": "reactions",
    "dictionaries": "dictionaries",
    "alignment": "alignment",
    "experiments": "table table_scoring table_worlds summary grid grid_key hypernymy hypernymy_worlds continuity_worlds"
    " condition_objects metric_objects calibration coverage eviction faults pruning",
}
#: Tests left out: they start processes, or take a third of the time of all.
SLOW = (
    "not in_a_grid and not (scikit_learn_contract and FFNN) and not false_alarms and not seldom_supports"
    " and not hold_the_truth and not two_processes"
)

SWAPS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,), ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,), ast.Pow: (ast.Mult,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
    ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip


class Mutant(NamedTuple):
    """One changed place: the bytes from `start` to `end` of a file become `new`."""

    path: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        def short(text: str) -> str:
            text = " ".join(text.split())
            return text if len(text) <= 70 else text[:67] + "..."

        before, after = (ROOT / self.path).read_bytes()[: self.start], (ROOT / self.path).read_bytes()[self.end :]
        lead, rest = before.decode().rpartition("\n")[2].lstrip(), after.decode().partition("\n")[0]
        return f"{self.path}:{self.line}: {lead[-40:]}[ {short(self.old)} -> {short(self.new)} ]{rest[:40]}"


def variants(node: ast.AST) -> Iterator[str]:
    """Yield the source of each mutant of one node."""
    made = copy.deepcopy(node)
    match made:
        case ast.Compare(ops=[op]) | ast.BinOp(op=op) | ast.BoolOp(op=op):
            for other in SWAPS.get(type(op), ()):
                if isinstance(made, ast.Compare):
                    made.ops = [other()]
                else:
                    made.op = other()
                yield f"({ast.unparse(made)})"
        case ast.UnaryOp(operand=operand) if not isinstance(operand, ast.Constant):
            yield f"({ast.unparse(operand)})"
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Constant(value=int() | float() as value) if value == 0 or value > 1e-100:  # not guards against 0 / 0
            yield repr(value * 1000 if 0 < value < 0.01 else value + 1)
        case ast.Call(keywords=[_, *_]):
            for i, keyword in enumerate(made.keywords):
                if keyword.arg not in (None, "rng", "dtype", "kind", "strict"):  # without these it fails, or is equal
                    fewer = [one for j, one in enumerate(made.keywords) if j != i]
                    yield ast.unparse(ast.Call(made.func, made.args, fewer))
        case ast.keyword(arg="axis", value=ast.Constant(value=0 | 1 as axis)):
            yield f"axis={1 - axis}"
        case ast.AugAssign() | ast.Expr(value=ast.Call()):
            yield "pass"
        case ast.Assign(targets=[ast.Name(id=name)]) if any(
            isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(made.value)
        ):
            yield "pass"  # it only changes what stands already
        case ast.Assign(targets=[ast.Subscript()]):
            yield "pass"


def mutants(path: Path) -> list[Mutant]:
    """Return every mutant of a file."""
    source = path.read_text("utf8")
    lines = [0]
    for line in source.encode().splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    found: list[Mutant] = []

    def add(node: Any, new: str) -> None:
        start, end = lines[node.lineno - 1] + node.col_offset, lines[node.end_lineno - 1] + node.end_col_offset
        old = source.encode()[start:end].decode()
        found.append(Mutant(str(path.relative_to(ROOT)), node.lineno, start, end, old, new))

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
            return
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return
        for new in variants(node):
            add(node, new)
        if isinstance(node, ast.If | ast.IfExp):
            add(node.test, "True")
            add(node.test, "False")
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "bases"):
                continue
            if isinstance(node, ast.keyword) and node.arg == "axis":
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    visit(child)

    visit(ast.parse(source))
    return found


def run(tree: Path, tests: list[str], seconds: int, log: Path) -> tuple[str, float]:
    """Run test files in a tree, in a fork; return "passed", "failed" or "too long", and the processor time it took."""
    child = os.fork()
    if child == 0:
        os.setsid()
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.chdir(tree)
        sys.path[:0] = [str(tree / "tests"), str(tree)]
        os.environ["PYTHONPATH"] = str(tree)
        sys.dont_write_bytecode = True  # two mutants of one second and one size would share a compiled file
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))  # of the processor: other work may run beside it
        import pytest

        chosen = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-m", "fast", "-k", SLOW]
        code = 1
        try:
            code = int(pytest.main([*chosen, *tests]))
        finally:
            sys.stdout.flush()
            os._exit(code)
    stop = time.monotonic() + 20 * seconds
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return "passed" if code == 0 else "failed" if code > 0 else "too long", used.ru_utime + used.ru_stime
        if time.monotonic() > stop:  # it waits for something
            os.killpg(child, signal.SIGKILL)  # the fork's own session: it, and what it started
        time.sleep(0.05)


def score(room: str, modules: list[Path], tests: list[str], sample: int, seed: int, tree: Path) -> dict[str, Any]:
    """Run a sample of the mutants of modules, print survivors, and return the counts."""
    log = tree / "log"
    end, undisturbed = run(tree, tests, 600, log)
    if end != "passed":
        raise SystemExit(f"{room}: the tests fail without a mutant:\n{log.read_text('utf8')[-3000:]}")
    every = [mutant for path in modules for mutant in mutants(path)]
    drawn = random.Random(seed).sample(every, min(sample, len(every)))
    ends: Counter[str] = Counter()
    survivors = []
    for mutant in drawn:
        source = (ROOT / mutant.path).read_bytes()
        target = tree / mutant.path
        target.write_bytes(source[: mutant.start] + mutant.new.encode() + source[mutant.end :])
        end, _ = run(tree, tests, int(4 * undisturbed) + 10, log)
        target.write_bytes(source)
        ends[end] += 1
        if end == "passed":
            survivors.append(str(mutant))
            print(f"  survived  {mutant}", flush=True)
    killed = len(drawn) - len(survivors)
    print(f"{room}: {killed} of {len(drawn)} killed ({killed / len(drawn):.0%}), of {len(every)} possible", flush=True)
    return {
        "name": room, "possible": len(every), "drawn": len(drawn), "killed": killed, "too_long": ends["too long"],
        "score": killed / len(drawn), "tests_s": undisturbed, "survivors": survivors,
    }  # fmt: skip


def main() -> None:
    """Read the choice and run it."""
    parser = argparse.ArgumentParser(description="Mutation score of rooms of the library.")
    parser.add_argument("rooms", nargs="*", help=f"rooms (all: {', '.join(TESTS)}), or files explaint_lib/.../x.py")
    parser.add_argument("--tests", nargs="+", help="test files for the modules named, instead of the room's")
    parser.add_argument("--sample", type=int, default=40, help="mutants drawn for each room or file")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--json", type=Path, help="where to write the scores")
    args = parser.parse_args()
    for name in LOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in COPIED:
            if (ROOT / name).is_dir():
                skip = shutil.ignore_patterns("__pycache__", "_build", "node_modules")
                shutil.copytree(ROOT / name, tree / name, ignore=skip)
            else:
                shutil.copy2(ROOT / name, tree / name)
        for chosen in args.rooms or TESTS:
            if chosen.endswith(".py"):
                modules, room = [ROOT / chosen], Path(chosen).parts[1]
            else:
                modules, room = sorted((ROOT / "explaint_lib" / chosen).rglob("*.py")), chosen
            if not modules or not modules[0].is_file() or not (args.tests or room in TESTS):
                parser.error(f"{chosen!r} is none of {', '.join(TESTS)}, nor a file of one of them; or give --tests")
            tests = args.tests or [f"tests/test_{name}.py" for name in TESTS[room].split()]
            results.append(score(chosen, modules, tests, args.sample, args.seed, tree))
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
