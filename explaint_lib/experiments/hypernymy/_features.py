"""What each predictor of the hypernymy experiment may see: attention, surface, similarity, frequency, identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explaint_lib import relations
from explaint_lib._common import ExplaintError
from explaint_lib.encoders import Encoder, load_vectors


@dataclass(frozen=True)
class PairFeatures:
    """What the predictors see of one set of pairs.

    Attributes
    ----------
    pairs : PairSet
    attention : group of templates -> (template, pair, 2 * layer * head)
    untrained : the same, one mapping a twin
    surface : group of templates -> (template, pair, 5)
        Positions of hyponym and hypernym, their numbers of pieces, their distance.
    words : predictor -> (pair, feature)
        What can be known of a pair without a sentence.
    """

    pairs: relations.PairSet
    attention: Mapping[str, np.ndarray]
    untrained: Sequence[Mapping[str, np.ndarray]]
    surface: Mapping[str, np.ndarray]
    words: Mapping[str, np.ndarray]


def similarities(encoder: Encoder, pairs: set[relations.Pair]) -> dict[relations.Pair, list[float]]:
    """Return two cosines a pair: of GloVe vectors, and of the model's own input rows (mean over pieces).

    A word that GloVe does not have gets the mean cosine of the other pairs.
    """
    words = sorted({word for pair in pairs for word in pair})
    matrix = encoder.embedding_matrix()
    own = {word: matrix[_input_ids(encoder, word)].mean(axis=0) for word in words}
    glove = load_vectors("glove")
    static = {}
    for word in words:
        try:
            static[word] = glove.word_vectors([word])[0]
        except ExplaintError:
            static[word] = np.full(glove.dim, np.nan)
    found = {pair: [_cosine(table[pair.hyponym], table[pair.hypernym]) for table in (static, own)] for pair in pairs}
    usual = float(np.nanmean([cosines[0] for cosines in found.values()]))
    return {pair: [usual if np.isnan(first) else first, second] for pair, (first, second) in found.items()}


def read_alone(encoder: Encoder, pairs: set[relations.Pair]) -> dict[relations.Pair, list[float]]:
    """Return cosines of the model's own vectors of two words that it read one at a time, at four depths.

    The words never meet, so no attention between them takes part. Vectors are centred on the words used.
    """
    words = sorted({word for pair in pairs for word in pair})
    depths = np.linspace(0, encoder.n_layers, 5).round().astype(int)[1:]
    before = encoder.before_word
    vectors = np.empty((len(words), len(depths), encoder.dim))
    for i, encoding in enumerate(encoder.encode([before + word for word in words], attention=False)):
        at = encoding.positions(len(before), len(encoding.text))
        assert encoding.hidden_states is not None  # asked for
        vectors[i] = encoding.hidden_states[depths][:, at].mean(axis=1)
    vectors -= vectors.mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    row = {word: i for i, word in enumerate(words)}
    return {pair: (vectors[row[pair.hyponym]] * vectors[row[pair.hypernym]]).sum(axis=-1).tolist() for pair in pairs}


def _input_ids(encoder: Encoder, word: str) -> list[int]:
    """Return the ids a word has inside a sentence: standing alone, some tokenizers spell it otherwise."""
    before = "They saw the "
    (encoding,), (at,) = encoder.locate([(f"{before}{word} there.", len(before), len(before) + len(word))])
    return encoding.token_ids[at].tolist()


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def word_features(pairs: relations.PairSet) -> dict[str, np.ndarray]:
    """Return what can be known of a pair without a model: which hypernym it is, and frequencies (Zipf)."""
    from wordfreq import zipf_frequency

    zipf = np.array([[zipf_frequency(word, "en") for word in pair] for pair in pairs.pairs])
    names, codes = np.unique(pairs.hypernyms, return_inverse=True)
    difference = zipf[:, :1] - zipf[:, 1:]
    return {"hypernym_identity": np.eye(len(names))[codes], "frequency": np.hstack([zipf, difference, abs(difference)])}
