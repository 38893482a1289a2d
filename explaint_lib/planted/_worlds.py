"""Keeper, Rotator, Mover, Decoy, Sink: five transformers, each the truth that one kind of method gets wrong.

The residual stream has named blocks. Layer 0 fills `word` (a random unit code of fewer dimensions than there
are words, so that a map learned on some words carries over to others), `class` (one-hot) and `position`
(one-hot); heads of Keeper and Mover write what they find into `before` and `alike`. Logits are so sharp that
a head looks at its target with weight 1 to float64 precision. For one seed, Keeper, Mover, Decoy and Sink
have the same words and codes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explaint_lib.planted._transformer import Heads, PlantedTransformer
from explaint_lib.planted._vocabulary import CLASS_OF_WORD, CLASSES, WORDS

N_LAYERS = 4
MAX_TOKENS = 32
WORD_DIM = 24
CLASS_NORM = 0.7  # length of the class block, beside a word block of length 1
POSITION_NORM = 0.5  # small enough that a state is nearest to the input it took its word from
SHARPNESS = 40.0  # logit of a hit above a miss: exp(-40) is below float64 resolution beside 1
PARKED = 9.0  # weight of the Sink's first token, as a multiple of that of a single token looked up
WRITTEN = 0.25  # length of all that a head adds to its block over the layers, beside a word of length 1


def keeper(*, rng: np.random.Generator) -> PlantedTransformer:
    """Build the Keeper: identity stays where it was, and heads look up what they seem to look up.

    In layer l, head 0 looks l tokens back (or at the first token) and head 1 at the other words of its own
    class (or at itself, if there are none). Both add a little of what they find to blocks of their own.
    Truth: every kind of continuity holds, the pictures name the right tokens. It guards against methods that
    always say "collapse".

    Examples
    --------
    >>> from explaint_lib import planted
    >>> world = planted.keeper(rng=np.random.default_rng(0))
    >>> world.truth["decodability"], world.n_layers
    (True, 4)
    """
    blocks = _blocks(with_context=True)
    layers = tuple(_reading_layer(blocks, depth) for depth in range(1, N_LAYERS + 1))
    return _assemble(
        "keeper",
        blocks,
        layers,
        rng,
        raw_geometry=(True, "the blocks of the input are never written to"),
        decodability=(True, "the word block is a copy of the input's"),
        causal_locality=(True, "others receive at most a quarter of a word"),
        share_of_content=(True, "a replaced token changes its own position more than all others together"),
        picture_misleading=(False, "each head reads the token that its weight points at"),
        attention_causal=(True, "what is looked up is written down"),
        content="the position's own word, and a little of the words that its heads point at",
    )


def mover(*, rng: np.random.Generator) -> PlantedTransformer:
    """Build the Mover: its first layer moves each word one position to the right and erases it at its own.

    The last word goes to position 0. All other layers are the Keeper's, so their maps are as sharp as there.
    Truth: from layer 1 on, position i holds token i - 1, and in the maps of layers 2 to 4 a weight drawn from
    token i to token k is one from token i - 1 to token k - 1.

    Warnings
    --------
    The `position` block stays. A map onto *layer-0 states of the same sentence* can therefore find position
    i by its position alone, without any word; ask for the word (rows of `embedding_matrix`) or compare with
    a position-only control.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> world = planted.mover(rng=np.random.default_rng(0))
    >>> ids = world.sample(2, 8, rng=np.random.default_rng(1))
    >>> world.forward_ids(ids)[0].shape[:3], world.truth["decodability"]
    ((2, 5, 8), False)
    """
    blocks = _blocks(with_context=True)
    layers = [_reading_layer(blocks, depth) for depth in range(1, N_LAYERS + 1)]
    layers[0] = _moving_layer(blocks)
    return _assemble(
        "mover",
        blocks,
        tuple(layers),
        rng,
        raw_geometry=(False, "the nearest input is that of the left neighbour"),
        decodability=(False, "nothing at a position depends on its own word any more"),
        causal_locality=(False, "replacing token j changes position j + 1 most"),
        share_of_content=(False, "almost all of the change is at the right neighbour"),
        picture_misleading=(True, "weights are as sharp as in the keeper and name the wrong tokens"),
        attention_causal=(True, "the first layer's attention carries the words"),
        content="the left neighbour's word, and a little of the left neighbours of those its heads point at",
    )


def rotator(*, rng: np.random.Generator) -> PlantedTransformer:
    """Build the Rotator: each layer turns the whole residual stream by a random orthogonal matrix.

    All heads look at their own position, and together add ``h (Q - I)``. Truth: nothing is lost and nothing
    is mixed, yet the cosine to the input is at chance; one orthogonal map (Procrustes) finds every token.
    This is what some decoders do in their first layer, in pure form.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> world = planted.rotator(rng=np.random.default_rng(0))
    >>> world.truth["raw_geometry"], world.truth["decodability"]
    (False, True)
    """
    blocks = _blocks(with_context=False)
    dim, n_heads = max(block.stop for block in blocks.values()), 4
    basis, layers = np.eye(dim), []
    for _ in range(N_LAYERS):
        turn = _orthogonal(dim, rng)
        own = _position_match(blocks["position"], dim, lambda i: i)
        query, key = basis.T @ own[0], basis.T @ own[1]
        parts = np.split(np.arange(dim), n_heads)  # each head writes its share of the coordinates
        value = np.stack([(turn - np.eye(dim))[:, part] for part in parts])
        output = np.stack([np.eye(dim)[part] for part in parts])
        layers.append(Heads(np.stack([query] * n_heads), np.stack([key] * n_heads), value, output))
        basis = basis @ turn
    return _assemble(
        "rotator",
        blocks,
        tuple(layers),
        rng,
        raw_geometry=(False, "the coordinates are turned at random, so the cosine to the input is at chance"),
        decodability=(True, "the inverse rotation gives back the input"),
        causal_locality=(True, "no position reads another"),
        share_of_content=(True, "all of the change is at the replaced token"),
        picture_misleading=(False, "each position looks at itself, and reads itself"),
        attention_causal=(True, "the heads that look at their own position turn it"),
        content="the position's own word, and nothing else",
    )


def decoy(*, rng: np.random.Generator) -> PlantedTransformer:
    """Build the Decoy: the Keeper's attention, map by map, and nothing is ever read through it.

    Queries and keys are the Keeper's. Values are not zero, and neither is the output map, but their *product*
    is: the values lie where the output map does not look. So no state is ever changed. Truth: identity is kept
    and attention has no effect at all. Whatever calls the looked-up token a source is fooled; so is a method
    that weights attention by the length of the values before the output map.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> world = planted.decoy(rng=np.random.default_rng(0))
    >>> world.truth["picture_misleading"]
    True
    """
    blocks = _blocks(with_context=True)
    return _assemble(
        "decoy",
        blocks,
        tuple(_without_effect(_reading_layer(blocks, depth)) for depth in range(1, N_LAYERS + 1)),
        rng,
        raw_geometry=(True, "states never change"),
        decodability=(True, "states never change"),
        causal_locality=(True, "no position reads another"),
        share_of_content=(True, "all of the change is at the replaced token"),
        picture_misleading=(True, "weights are as sharp as in the keeper, and nothing is read"),
        attention_causal=(False, "value and output map multiply to zero"),
        content="the position's own word, and nothing else",
    )


def sink(*, rng: np.random.Generator) -> PlantedTransformer:
    """Build the Sink: a Keeper whose heads park most of their weight on a first token that has nothing to give.

    Every sentence begins with ``<start>``, whose word and class codes are zero, and so are its values. A head
    gives it nine times the weight of a token that it looks up, and all of its weight where it finds none.
    Truth: identity is kept, the little weight that is left does all the work, and the token that gets most of
    the attention gives nothing. What calls the first token the main source is fooled.

    Examples
    --------
    >>> from explaint_lib import planted
    >>> world = planted.sink(rng=np.random.default_rng(0))
    >>> world.tokens(world.sample(1, 8, rng=np.random.default_rng(1))[0])[0] == world.vocabulary[world.start_id]
    True
    """
    blocks = _blocks(with_context=True)
    return _assemble(
        "sink",
        blocks,
        tuple(_parking_layer(blocks, depth) for depth in range(1, N_LAYERS + 1)),
        rng,
        start=True,
        raw_geometry=(True, "the blocks of the input are never written to"),
        decodability=(True, "the word block is a copy of the input's"),
        causal_locality=(True, "others receive at most a quarter of a word"),
        share_of_content=(True, "a replaced token changes its own position more than all others together"),
        picture_misleading=(True, "the largest weights are on the first token, whose value is zero"),
        attention_causal=(True, "the small weights read the words that they point at"),
        content="the position's own word, and a little of the words that small weights point at; none of <start>",
    )


def _assemble(
    name: str,
    blocks: dict[str, slice],
    layers: tuple[Heads, ...],
    rng: np.random.Generator,
    *,
    content: str,
    start: bool = False,
    **truth: tuple[bool, str],
) -> PlantedTransformer:
    """Put embeddings below the layers and the truth beside them; `start` adds a first token that is all zero."""
    dim = max(block.stop for block in blocks.values())
    embedding = np.zeros((len(WORDS) + start, dim))
    codes = rng.standard_normal((len(WORDS), WORD_DIM))
    embedding[: len(WORDS), blocks["word"]] = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    labels = list(CLASSES)
    for i, label in enumerate(CLASS_OF_WORD):
        embedding[i, blocks["class"].start + labels.index(label)] = CLASS_NORM
    position = np.zeros((MAX_TOKENS, dim))
    position[:, blocks["position"]] = POSITION_NORM * np.eye(MAX_TOKENS)
    more = (("<start>",), ("<start>",)) if start else ((), ())
    return PlantedTransformer(
        name,
        WORDS + more[0],
        CLASS_OF_WORD + more[1],
        embedding,
        position,
        layers,
        blocks,
        truth={claim: holds for claim, (holds, _) in truth.items()},
        reasons={claim: why for claim, (_, why) in truth.items()},
        content=content,
        start_id=len(WORDS) if start else None,
    )


def _blocks(*, with_context: bool) -> dict[str, slice]:
    """Lay the blocks out side by side."""
    sizes = {"word": WORD_DIM, "class": len(CLASSES), "position": MAX_TOKENS}
    if with_context:
        sizes |= {"before": WORD_DIM, "alike": WORD_DIM}
    ends = np.cumsum(list(sizes.values()))
    return {name: slice(int(end - size), int(end)) for (name, size), end in zip(sizes.items(), ends, strict=True)}


def _position_match(block: slice, dim: int, target: Callable[[int], int]) -> tuple[np.ndarray, np.ndarray]:
    """Return query and key maps, (dim, MAX_TOKENS) each, by which position i looks at position target(i)."""
    query, key = np.zeros((dim, MAX_TOKENS)), np.zeros((dim, MAX_TOKENS))
    for i in range(MAX_TOKENS):
        query[block.start + i, target(i)] = SHARPNESS / POSITION_NORM
        key[block.start + i, i] = 1 / POSITION_NORM
    return query, key


def _class_match(blocks: dict[str, slice], dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Return maps, (dim, n_classes + MAX_TOKENS) each, to the others of a class; to oneself without any."""
    n_classes = len(CLASSES)
    query = np.zeros((dim, n_classes + MAX_TOKENS))
    key = np.zeros((dim, n_classes + MAX_TOKENS))
    query[blocks["class"], :n_classes] = 2 * SHARPNESS / CLASS_NORM * np.eye(n_classes)
    key[blocks["class"], :n_classes] = np.eye(n_classes) / CLASS_NORM
    # less for oneself: others of the class score 2, oneself 1, the rest 0 (times SHARPNESS)
    query[blocks["position"], n_classes:] = -SHARPNESS / POSITION_NORM * np.eye(MAX_TOKENS)
    key[blocks["position"], n_classes:] = np.eye(MAX_TOKENS) / POSITION_NORM
    return query, key


def _orthogonal(dim: int, rng: np.random.Generator) -> np.ndarray:
    """Draw an orthogonal matrix, uniformly (Haar): the signs of R's diagonal make the QR factor unique."""
    factor, triangle = np.linalg.qr(rng.standard_normal((dim, dim)))
    return factor * np.sign(np.diag(triangle))


def _copy(source: slice, target: slice, dim: int, gain: float) -> tuple[np.ndarray, np.ndarray]:
    """Return value and output maps that read one block and add `gain` times it to another."""
    size = source.stop - source.start
    value, output = np.zeros((dim, size)), np.zeros((size, dim))
    value[source] = np.eye(size)
    output[:, target] = gain * np.eye(size)
    return value, output


def _reading_layer(blocks: dict[str, slice], back: int) -> Heads:
    """Build a Keeper layer: head 0 reads the word `back` tokens before, head 1 the words of its class."""
    dim = max(block.stop for block in blocks.values())
    gain = WRITTEN / N_LAYERS
    before = _position_match(blocks["position"], dim, lambda i: max(i - back, 0))
    alike = _class_match(blocks, dim)
    copies = [_copy(blocks["word"], blocks[name], dim, gain) for name in ("before", "alike")]
    return _heads([before, alike], copies)


def _moving_layer(blocks: dict[str, slice]) -> Heads:
    """Build the layer that moves: head 0 adds the left neighbour's identity, head 1 takes the own away."""
    dim = max(block.stop for block in blocks.values())
    query, key = _position_match(blocks["position"], dim, lambda i: max(i - 1, 0))
    first = blocks["position"].start
    # position 0 has no left neighbour; it looks along one more key coordinate, which grows with the
    # position, so that the last token wins whatever the length of the sentence
    query[first] = 0
    query, key = np.pad(query, ((0, 0), (0, 1))), np.pad(key, ((0, 0), (0, 1)))
    query[first, -1] = SHARPNESS / POSITION_NORM
    key[blocks["position"], -1] = np.arange(MAX_TOKENS) / POSITION_NORM
    own = _position_match(blocks["position"], dim, lambda i: i)
    identity = slice(blocks["word"].start, blocks["class"].stop)
    moves = [_copy(identity, identity, dim, +1.0), _copy(identity, identity, dim, -1.0)]
    return _heads([(query, key), own], moves)


def _without_effect(heads: Heads) -> Heads:
    """Return heads with the same attention whose values lie where the output map does not look."""
    value = np.concatenate([heads.value, np.zeros_like(heads.value)], axis=2)
    output = np.concatenate([np.zeros_like(heads.output), heads.output], axis=1)
    return Heads(heads.query, heads.key, value, output)


def _parking_layer(blocks: dict[str, slice], back: int) -> Heads:
    """Build a Sink layer: the Keeper's, with one more key coordinate that draws every query to position 0."""
    reading = _reading_layer(blocks, back)
    query, key = (np.pad(each, ((0, 0), (0, 0), (0, 1))) for each in (reading.query, reading.key))
    found = np.array([SHARPNESS, 2 * SHARPNESS])  # the logit of a token looked up: by place, by class
    query[:, blocks["position"], -1] = (found + np.log(PARKED))[:, None] / POSITION_NORM
    key[:, blocks["position"].start, -1] = 1 / POSITION_NORM
    return Heads(query, key, reading.value, (1 + PARKED) * reading.output)


def _heads(matches: list[tuple[np.ndarray, np.ndarray]], copies: list[tuple[np.ndarray, np.ndarray]]) -> Heads:
    """Stack heads, padding keys to the widest."""
    width = max(query.shape[1] for query, _ in matches)
    pad = [[np.pad(each, ((0, 0), (0, width - each.shape[1]))) for each in match] for match in matches]
    return Heads(
        query=np.stack([query for query, _ in pad]),
        key=np.stack([key for _, key in pad]),
        value=np.stack([value for value, _ in copies]),
        output=np.stack([output for _, output in copies]),
    )
