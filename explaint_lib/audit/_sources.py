"""What claims are made of: norms, models, files of vectors and of predictions, each opened once and checked first.

Formats. Vectors: ``.npz`` with ``words`` (n,) text and ``vectors`` (n, dim); ``.csv`` with a column ``word`` and one a
dimension; ``.safetensors`` with a tensor ``vectors`` and the words as a JSON list under ``words`` of its metadata.
Predictions: ``.npz`` with ``words`` (n,), ``features`` (m,), ``folds`` (draws, n) whole numbers and ``predicted``
(draws, n, m); of a single draw the first axis may be left out. Nothing is unpickled.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explaint_lib._cache import file_hash
from explaint_lib._common import ExplaintError, printable
from explaint_lib.audit._claims import Claim
from explaint_lib.audit._texts import check_sentences
from explaint_lib.norms import FeatureNorms, load_norms


@dataclass(frozen=True)
class VectorFile:
    """Word vectors that somebody made.

    Attributes
    ----------
    words : tuple of str
    vectors : ndarray of shape (n_words, dim)
    """

    words: tuple[str, ...]
    vectors: np.ndarray


@dataclass(frozen=True)
class PredictionFile:
    """Held-out predictions that somebody made.

    Attributes
    ----------
    words, features : tuple of str
    folds : ndarray of shape (n_draws, n_words)
    predicted : ndarray of shape (n_draws, n_words, n_features)
    """

    words: tuple[str, ...]
    features: tuple[str, ...]
    folds: np.ndarray
    predicted: np.ndarray


def read_vectors(path: str | Path) -> VectorFile:
    """Read word vectors from ``.npz``, ``.csv`` or ``.safetensors``.

    Raises
    ------
    ExplaintError
        That says what was expected and found.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from explaint_lib import audit
    >>> file = pathlib.Path(tempfile.mkdtemp(), "mine.csv")
    >>> _ = file.write_text("word,a,b\\nrobin,0.5,1\\ntrout,0,2\\n")
    >>> audit.read_vectors(file).vectors.shape
    (2, 2)
    """
    path = Path(path)
    readers = {".npz": _vectors_npz, ".csv": _vectors_csv, ".safetensors": _vectors_safetensors}
    if path.suffix not in readers:
        raise ExplaintError(f"{path}: expected word vectors in .npz, .csv or .safetensors, found {path.suffix or path}")
    words, vectors = readers[path.suffix](path)
    return VectorFile(_labels(words, path, "words"), _numbers(vectors, (len(words), None), path, "vectors"))


def read_predictions(path: str | Path) -> PredictionFile:
    """Read held-out predictions from an ``.npz`` file.

    Raises
    ------
    ExplaintError
        That says what was expected and found.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from explaint_lib import audit
    >>> file = pathlib.Path(tempfile.mkdtemp(), "mine.npz")
    >>> np.savez(file, words=["robin", "trout"], features=["flies"], folds=[0, 1], predicted=[[0.9], [0.1]])
    >>> audit.read_predictions(file).predicted.shape
    (1, 2, 1)
    """
    path = Path(path)
    found = _npz(path, ("words", "features", "folds", "predicted"))
    words, features = (_labels(found[name].tolist(), path, name) for name in ("words", "features"))
    folds, predicted = np.atleast_2d(found["folds"]), found["predicted"]
    predicted = predicted[None] if predicted.ndim == 2 else predicted
    predicted = _numbers(predicted, (len(folds), len(words), len(features)), path, "predicted")
    if folds.shape[1:] != (len(words),) or folds.dtype.kind not in "iu":
        raise ExplaintError(
            f"{path}: expected folds of shape (draws, {len(words)}), whole numbers; found {folds.shape}, {folds.dtype}"
        )
    return PredictionFile(words, features, folds, predicted)


def _npz(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            if missing := [name for name in names if name not in file]:
                there = printable(", ".join(file.files))
                raise ExplaintError(f"{path}: expected the arrays {', '.join(names)}; found {there}, not {missing[0]}")
            return {name: file[name] for name in names}
    except ExplaintError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as fault:
        cure = (
            " (an array of objects would have to be unpickled; save text as numpy text)"
            if "pickle" in str(fault)
            else ""
        )
        raise ExplaintError(f"{path}: no .npz file that can be read{cure}: {printable(fault)}") from None


def _vectors_npz(path: Path) -> tuple[list[Any], np.ndarray]:
    found = _npz(path, ("words", "vectors"))
    return found["words"].tolist(), found["vectors"]


def _vectors_csv(path: Path) -> tuple[list[Any], np.ndarray]:
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype={"word": str}, keep_default_na=False)
    except (OSError, ValueError) as fault:
        raise ExplaintError(f"{path}: no .csv table that can be read: {printable(fault)}") from None
    if "word" not in table or table.shape[1] < 2:
        raise ExplaintError(f"{path}: expected a column 'word' and one for each dimension; found {list(table)[:5]}")
    return table["word"].tolist(), table.drop(columns="word").to_numpy()


def _vectors_safetensors(path: Path) -> tuple[list[Any], np.ndarray]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            words = json.loads((file.metadata() or {}).get("words", "null"))
            if not isinstance(words, list) or "vectors" not in file.keys():  # noqa: SIM118  # no mapping
                raise ExplaintError(f"{path}: expected a tensor 'vectors', and in its metadata 'words', a JSON list")
            return words, file.get_tensor("vectors")
    except (OSError, ValueError, SafetensorError, TypeError) as fault:
        if isinstance(fault, ExplaintError):
            raise
        raise ExplaintError(f"{path}: no .safetensors file that can be read: {printable(fault)}") from None


def _labels(given: Sequence[Any], path: Path, what: str) -> tuple[str, ...]:
    wrong = next((one for one in given if not isinstance(one, str) or not one.strip()), None)
    twice = next((one for place, one in enumerate(given) if one in given[:place]), None) if len(given) < 10**4 else None
    if not given or wrong is not None or twice is not None:
        found = "none" if not given else printable(repr(wrong if wrong is not None else f"{twice} twice"))[:60]
        raise ExplaintError(f"{path}: expected {what} as text, each once and none empty; found {found}")
    return tuple(given)


def _numbers(given: np.ndarray, shape: tuple[int | None, ...], path: Path, what: str) -> np.ndarray:
    fits = given.ndim == len(shape) and all(want in (None, has) for want, has in zip(shape, given.shape, strict=False))
    if not fits or given.dtype.kind not in "iuf":
        wanted = ", ".join("dim" if one is None else str(one) for one in shape)
        raise ExplaintError(f"{path}: expected {what} of shape ({wanted}), numbers; found {given.shape}, {given.dtype}")
    if not np.isfinite(given).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(given))[0])
        raise ExplaintError(f"{path}: expected finite numbers; {what} holds {given[place]} at {place}")
    return np.asarray(given, dtype=np.float64)


class Sources:
    """What the claims of a file are made of, opened once each."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self._shared: dict[tuple[Any, ...], Any] = {}
        self._encoder: tuple[tuple[Any, ...], Any] | None = None
        self._norms: dict[str, FeatureNorms] = {}
        self._states: dict[tuple[Any, ...], tuple[np.ndarray, dict[str, Any]]] = {}

    def once(self, key: tuple[Any, ...], compute: Callable[[], Any]) -> Any:
        """Return what several claims share: computed for the first of them."""
        if key not in self._shared:
            self._shared[key] = compute()
        return self._shared[key]

    def encoder(self, claim: Claim) -> Any:
        """Return the model of a claim; the last one is kept, one at a time."""
        from explaint_lib.encoders import load_encoder

        key = (claim.source["model"], claim.source["revision"])
        if self._encoder is None or self._encoder[0] != key:
            self._encoder = None
            self._encoder = key, load_encoder(key[0], revision=key[1], device=self.device)
        return self._encoder[1]

    def norms(self, name: str) -> FeatureNorms:
        """Return norms by name."""
        if name not in self._norms:
            self._norms[name] = load_norms(name)
        return self._norms[name]

    def check(self, claim: Claim) -> dict[str, Any]:
        """Open what is cheap of a claim's sources; return what identifies them, by content.

        Raises
        ------
        ExplaintError
            For what is not there, or does not fit together.
        """
        source, about = claim.source, {}
        about["norms"] = self.norms(source["norms"]).fingerprint()
        if claim.kind.needs == "vectors":
            self.shared(claim)
        if source["model"] is not None:
            about["model"] = self._outlined(claim)
        for key in ("vectors", "predictions", "text"):
            if source[key] is not None:
                about[key] = file_hash(Path(source[key]))
        return about

    def _outlined(self, claim: Claim) -> str:
        """Check what of a claim can be checked without the model's weights; return what identifies the model."""
        from explaint_lib.encoders import layer_index, outline

        name = claim.source["model"]
        found = outline(name, revision=claim.source["revision"])
        if claim.kind.needs == "model" and found.n_layers == 0:
            raise ExplaintError(
                f"{claim.id}: {printable(name)} is a table of vectors, without layers and attention; remove the claim"
            )
        if "layer" in claim.options:
            layer_index(claim.options["layer"], found.n_layers, printable(name))
        norms = self.norms(claim.source["norms"])
        if claim.kind.needs == "vectors" and (unknown := found.unknown_words(norms.word_forms)):
            raise ExplaintError(
                f"{printable(name)} has no vector for {len(unknown)} words of {norms.name}, such as "
                f"{printable(unknown[0])}; save its vectors of the words it has, and give them as vectors: FILE"
            )
        if claim.source["text"] is not None:
            check_sentences(claim)
        return found.revision

    def shared(self, claim: Claim) -> tuple[FeatureNorms, Any]:
        """Return the norms of the words that a claim's file has too, and the file; None for a model."""
        norms, source = self.norms(claim.source["norms"]), claim.source
        if source["vectors"] is None and source["predictions"] is None:
            return norms, None
        path = source["vectors"] or source["predictions"]
        file: Any = read_vectors(path) if source["vectors"] else read_predictions(path)
        known = set(file.words)
        words = [w for w, form in zip(norms.words, norms.word_forms, strict=True) if known & {w, form}]
        features: Sequence[str] = norms.features
        if source["predictions"]:
            predicted = set(file.features)
            features = [one for one in norms.features if one in predicted]
        if len(words) < 20 or not features:
            raise ExplaintError(
                f"{path}: expected at least 20 words of the norms {norms.name}, and their features; found {len(words)} "
                f"of {len(norms.words)} words and {len(features)} features"
            )
        return norms.subset(words=words, features=features), file

    def vectors(self, claim: Claim, norms: FeatureNorms, file: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the vectors of the words of norms, and what describes them."""
        if isinstance(file, VectorFile):
            return file.vectors[_rows(file.words, norms)], _of_file(claim.source["vectors"])
        from explaint_lib.encoders import load_vectors

        name, revision, layer = claim.source["model"], claim.source["revision"], claim.options["layer"]
        key = (name, revision, layer, norms.name)
        if key not in self._states:
            encoder = load_vectors(name, revision=revision, device=self.device)
            found = encoder.word_vectors(norms.word_forms, layer=layer).astype(np.float64)
            self._states[key] = found, encoder.describe()
        return self._states[key]

    def given(self, claim: Claim, norms: FeatureNorms, file: PredictionFile) -> tuple[tuple[Any, Any], dict[str, Any]]:
        """Return folds and predictions in the order of norms, and what describes their file."""
        rows, at = _rows(file.words, norms), {name: i for i, name in enumerate(file.features)}
        columns = [at[name] for name in norms.features]
        predicted = file.predicted[:, rows][:, :, columns]
        return (file.folds[:, rows], predicted), _of_file(claim.source["predictions"])


def _rows(words: Sequence[str], norms: FeatureNorms) -> list[int]:
    """Return the row of each word of the norms, by its label or else by its form."""
    place = {word: i for i, word in enumerate(words)}
    return [place[w] if w in place else place[form] for w, form in zip(norms.words, norms.word_forms, strict=True)]


def _of_file(path: str) -> dict[str, Any]:
    return {"name": Path(path).name, "sha256": file_hash(Path(path))}
