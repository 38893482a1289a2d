"""What somebody writes who uses the library and mypy; tests/test_types.py checks it and runs nothing of it."""

import numpy as np

from explaint_lib.controls import CONDITIONS, permute_rows
from explaint_lib.encoders import load_encoder
from explaint_lib.experiments.grid import Grid, run_grid
from explaint_lib.experiments.table import PAPER_SCORES, run_table
from explaint_lib.inference import permutation_p
from explaint_lib.mappers import PLSR, CrossFit, make_folds
from explaint_lib.metrics import retrieval_at_k
from explaint_lib.norms import FeatureNorms, load_norms
from explaint_lib.results import Result
from explaint_lib.widgets import AttentionViewer, NeighbourhoodExplorer

norms: FeatureNorms = load_norms("bundled")
mine = FeatureNorms("mine", ["robin", "owl"], ["flies", "hoots"], [[1, 0], [2, 3]], "sparse", notes=["made up"])
chosen: tuple[str, ...] = mine.subset(words=["owl"]).words
rng = np.random.default_rng(0)
vectors = rng.normal(size=(len(norms.words), 16))
folds = make_folds(len(norms.words), 5, rng=rng)
predicted: np.ndarray = CrossFit(PLSR(4), vectors, folds).predict(norms.values)
observed: float = retrieval_at_k(predicted, norms.values).mean()
order = permute_rows(len(norms.words), rng=rng)
p: float = permutation_p(observed, np.array([retrieval_at_k(predicted[order], norms.values).mean()]))
explorer = NeighbourhoodExplorer(norms.words, {"gold": norms.values, "predicted": predicted}, k=10)
viewer = AttentionViewer(np.full((1, 1, 2, 2), 0.5), ["a", "robin"], layer=0)
page: str = explorer.static_html() + viewer.static_html()
encoder = load_encoder("minilm", device="cpu")
result: Result = Result.from_json("{}")
tabled: Result = run_table(norms, vectors, conditions=[name for name in CONDITIONS if CONDITIONS[name].tested])
swept: Result = run_grid(Grid(norms="bundled", models=["minilm", {"name": "minilm", "untrained": 0}], seeds=0))
paper: float = PAPER_SCORES["mcrae", "f1_at_10"]["system"]
