"""What each predictor of the hypernymy experiment may see: attention, surface, similarity, frequency, identity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explaint_lib import relations
from explaint_lib._common import ExplaintError
from explaint_lib.encoders import Encoder, load_vectors
from explaint_lib.experiments.hypernymy._pair_attention import pair_attention


@dataclass(frozen=True)
class Features:
    """What the predictors see of one set of pairs.

    Attributes
    ----------
    pairs : PairSet
    attention : group of templates -> (template, pair, 2 * layer * head)
    untrained : the same for "affirmed", one array a twin
    surface : (template, pair, 5)
        Positions of hyponym and hypernym, their numbers of pieces, their distance.
    words : predictor -> (pair, feature)
        What can be known of a pair without a sentence.
    """

    pairs: relations.PairSet
    attention: Mapping[str, np.ndarray]
    untrained: Sequence[np.ndarray]
    surface: np.ndarray
    words: Mapping[str, np.ndarray]


def gather(
    encoder: Encoder,
    twins: Iterable[Encoder],
    sets: Mapping[str, relations.PairSet],
    groups: Mapping[str, Sequence[str]],
    *,
    progress: bool,
) -> dict[str, Features]:
    """Run the models over all sentences, each sentence once, and sort the features by set of pairs.

    `groups` names the groups of templates of each set, "affirmed" among them.
    """
    where: dict[tuple[relations.Template, relations.Pair], int] = {}
    for name, pairs in sets.items():
        for group in groups[name]:
            for template in relations.templates(group):
                for pair in pairs.pairs:
                    where.setdefault((template, pair), len(where))
    sentences = [relations.fill(template, *pair) for template, pair in where]
    affirmed = [i for i, (template, _) in enumerate(where) if template.group == "affirmed"]
    trained = pair_attention(encoder, sentences, progress=progress)
    every = {pair for pairs in sets.values() for pair in pairs.pairs}
    similar, alone = _similarities(encoder, every), _read_alone(encoder, every)
    untrained = []
    for twin in twins:
        table = np.full_like(trained[:, :-4], np.nan)
        table[affirmed] = pair_attention(twin, [sentences[i] for i in affirmed], progress=progress)[:, :-4]
        untrained.append(table)
    found = {}
    for name, pairs in sets.items():
        rows = {group: np.array([[where[template, pair] for pair in pairs.pairs]
                                 for template in relations.templates(group)]) for group in groups[name]}  # fmt: skip
        found[name] = Features(
            pairs,
            {group: trained[at][..., :-4] for group, at in rows.items()},
            [twin[rows["affirmed"]] for twin in untrained],
            _surface(trained[rows["affirmed"]][..., -4:]),
            _word_features(pairs)
            | {"word_similarity": np.array([similar[pair] for pair in pairs.pairs])}
            | {"own_vectors": np.array([alone[pair] for pair in pairs.pairs])},
        )
    return found


def _surface(columns: np.ndarray) -> np.ndarray:
    """Return positions, distance and lengths: (template, pair, 5)."""
    distance = columns[..., 1:2] - columns[..., 0:1]
    return np.concatenate([columns, np.abs(distance)], axis=-1).astype(np.float64)


def _similarities(encoder: Encoder, pairs: set[relations.Pair]) -> dict[relations.Pair, list[float]]:
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
    usual = np.nanmean([cosines[0] for cosines in found.values()])
    return {pair: [usual if np.isnan(first) else first, second] for pair, (first, second) in found.items()}


def _read_alone(encoder: Encoder, pairs: set[relations.Pair]) -> dict[relations.Pair, list[float]]:
    """Return cosines of the model's own vectors of two words that it read one at a time, at four depths.

    The words never meet, so no attention between them takes part. Vectors are centred on the words used.
    """
    words = sorted({word for pair in pairs for word in pair})
    depths = np.linspace(0, encoder.n_layers, 5).round().astype(int)[1:]
    before = encoder.before_word
    vectors = np.empty((len(words), len(depths), encoder.dim))
    for i, encoding in enumerate(encoder.encode([before + word for word in words], attention=False)):
        at = encoding.positions(len(before), len(encoding.text))
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


def _word_features(pairs: relations.PairSet) -> dict[str, np.ndarray]:
    """Return what can be known of a pair without a model: which hypernym it is, and frequencies (Zipf)."""
    from wordfreq import zipf_frequency

    zipf = np.array([[zipf_frequency(word, "en") for word in pair] for pair in pairs.pairs])
    names, codes = np.unique(pairs.hypernyms, return_inverse=True)
    difference = zipf[:, :1] - zipf[:, 1:]
    return {"hypernym_identity": np.eye(len(names))[codes], "frequency": np.hstack([zipf, difference, abs(difference)])}


#: What the heads of a planted world know of a pair.
KNOWS = ("relation", "similarity", "hypernym", "nothing")


def planted_features(
    pairs: relations.PairSet, knows: str, *, n_heads: int = 24, n_templates: int = 3, rng: np.random.Generator
) -> Features:
    """Return features of a world in which it is decided what attention knows.

    In every world the similarity of the two words tells true from false pairs to some degree, as it does in real data.

    Parameters
    ----------
    pairs : PairSet
    knows : one of `KNOWS`
        What three of the heads hold: the similarity and, beyond it, the relation; the similarity and nothing else;
        how often this hypernym is right in `pairs`; nothing. All other heads are noise, as is the untrained twin.
    n_heads, n_templates : int
    rng : numpy.random.Generator

    Raises
    ------
    ExplaintError
        For another kind of knowledge.
    """
    if knows not in KNOWS:
        raise ExplaintError(f"the heads of a planted world know one of {', '.join(KNOWS)}; found {knows!r}")
    n, labels = len(pairs.pairs), pairs.labels
    similarity = 1.8 * labels + rng.standard_normal(n)
    codes = np.unique(pairs.hypernyms, return_inverse=True)[1]
    right = (np.bincount(codes, labels) / np.bincount(codes))[codes]
    known = {
        "relation": similarity + 2 * labels, "similarity": similarity, "hypernym": 6 * right, "nothing": np.zeros(n)
    }[knows]  # fmt: skip
    trained, untrained = rng.standard_normal((2, n_templates, n, n_heads))
    trained[..., :3] = 0.5 * trained[..., :3] + known[:, None]
    words = _word_features(pairs)
    for name in ("word_similarity", "own_vectors"):
        words[name] = similarity[:, None] + 0.2 * rng.standard_normal((n, 2))
    surface = rng.integers(1, 6, size=(n_templates, n, 5)).astype(np.float64)
    return Features(pairs, {"affirmed": trained}, [untrained], surface, words)
