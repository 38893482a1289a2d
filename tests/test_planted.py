"""Planted worlds: every truth they declare is shown here by direct computation, and can be seen to fail."""

from __future__ import annotations

import numpy as np
import pytest

from explaint_lib import planted
from explaint_lib._common import ExplaintError

LENGTH, N_SENTENCES = 12, 150
BUILDERS = {
    "keeper": planted.keeper, "rotator": planted.rotator, "mover": planted.mover, "decoy": planted.decoy,
    "sink": planted.sink,
}  # fmt: skip


@pytest.fixture(params=BUILDERS)
def world(request):
    return BUILDERS[request.param](rng=np.random.default_rng(1))


@pytest.fixture
def ids(world):
    return world.sample(N_SENTENCES, LENGTH, rng=np.random.default_rng(2))


def nearest_input(states, inputs):
    """Return for each position the one in the sentence whose input has the highest cosine: (batch, n)."""
    unit = [each / np.linalg.norm(each, axis=-1, keepdims=True) for each in (states, inputs)]
    return (unit[0] @ np.swapaxes(unit[1], -1, -2)).argmax(axis=-1)


def name_token(states, ids, world):
    """Return how often a ridge map to embedding rows, learned on other sentences, names the token."""
    half = len(ids) // 2
    x, y = states.reshape(-1, states.shape[-1]), world.embedding_matrix()[ids.ravel()]
    train = slice(0, half * ids.shape[1])
    test = slice(half * ids.shape[1], None)
    mean_x, mean_y = x[train].mean(axis=0), y[train].mean(axis=0)
    gram = (x[train] - mean_x).T @ (x[train] - mean_x) + 1e-3 * np.eye(x.shape[1])
    map_ = np.linalg.solve(gram, (x[train] - mean_x).T @ (y[train] - mean_y))
    rows = world.embedding_matrix() - mean_y
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return float((((x[test] - mean_x) @ map_ @ rows.T).argmax(axis=1) == ids.ravel()[test]).mean())


def replace_one(world, ids, rng):
    """Replace a token of each sentence; return relative changes at the top (batch, n) and the positions."""
    first = 0 if world.start_id is None else 1
    changed, places = ids.copy(), rng.integers(first, ids.shape[1], len(ids))
    for sentence, place in zip(changed, places, strict=True):
        sentence[place] = rng.choice(np.setdiff1d(np.arange(96), sentence))
    before, after = world.forward_ids(ids)[0][:, -1], world.forward_ids(changed)[0][:, -1]
    return np.linalg.norm(after - before, axis=-1) / np.linalg.norm(before, axis=-1), places


# --- what holds for all


def test_shapes_and_rows(world, ids):
    ids.flags.writeable = False
    hidden, attention = world.forward_ids(ids)
    assert hidden.shape == (N_SENTENCES, world.n_layers + 1, LENGTH, world.dim) and hidden.dtype == np.float64
    assert attention.shape == (N_SENTENCES, world.n_layers, world.n_heads, LENGTH, LENGTH)
    np.testing.assert_allclose(attention.sum(axis=-1), 1, atol=1e-12)
    assert attention.min() >= 0 and world.family == "encoder"
    np.testing.assert_array_equal(hidden[:, 0], world.embedding[ids] + world.position[:LENGTH])


def test_states_do_not_depend_on_the_batch(world, ids):
    whole, _ = world.forward_ids(ids)
    alone, _ = world.forward_ids(ids[3:4])
    np.testing.assert_allclose(alone[0], whole[3], atol=1e-12)


def test_same_seed_same_world():
    for build in BUILDERS.values():
        first, again, other = (build(rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first.embedding_matrix(), again.embedding_matrix())
        assert not np.array_equal(first.embedding_matrix(), other.embedding_matrix())


def test_sentences_read_and_leave_nothing_to_guess(world, ids):
    classes = np.array(world.classes)
    for sentence in ids:
        assert len(set(sentence)) == LENGTH
        assert (classes[sentence] != classes[np.roll(sentence, 1)]).all()  # the circle of neighbours
    words = world.tokens(ids[0])
    assert len(words) == LENGTH and set(words) <= set(world.vocabulary)
    assert len(set(world.vocabulary)) == world.vocab_size == 96 + (world.start_id is not None)
    assert world.start_id is None or (ids[:, 0] == world.start_id).all()
    assert len(np.unique(ids)) == world.vocab_size  # no word is left out
    again = world.sample(N_SENTENCES, LENGTH, rng=np.random.default_rng(2))
    np.testing.assert_array_equal(ids, again)


def test_the_embedding_matrix_is_a_copy(world):
    world.embedding_matrix()[:] = 0
    assert np.linalg.norm(world.embedding_matrix()[:96], axis=1).min() > 1


def test_truth_is_told_with_a_reason(world):
    claims = ["raw_geometry", "decodability", "causal_locality", "share_of_content", "picture_misleading"]
    claims.append("attention_causal")
    assert list(world.truth) == claims == list(world.reasons) and world.content
    assert all(isinstance(holds, bool) for holds in world.truth.values()) and all(world.reasons.values())


@pytest.mark.parametrize(
    "ids",
    [np.zeros(3, int), np.zeros((1, 3)), np.zeros((1, 33), int), np.full((1, 6), 97), np.full((1, 6), -1),
     np.zeros((0, 6), int), np.zeros((1, 0), int)],
)  # fmt: skip
def test_ids_that_cannot_be(world, ids):
    with pytest.raises(ExplaintError):
        world.forward_ids(ids)


@pytest.mark.parametrize(("n_sentences", "length"), [(1, 5), (1, 33), (0, 12)])
def test_samples_that_cannot_be(world, n_sentences, length):
    with pytest.raises(ExplaintError):
        world.sample(n_sentences, length, rng=np.random.default_rng(0))


def test_longest_sentence_fits(world):
    ids = world.sample(3, world.max_tokens, rng=np.random.default_rng(0))
    hidden, _ = world.forward_ids(ids)
    assert np.isfinite(hidden).all()


# --- the declared truths, one by one, at the top layer


def test_raw_geometry(world, ids):
    hidden, _ = world.forward_ids(ids)
    hits = (nearest_input(hidden[:, -1], hidden[:, 0]) == np.arange(LENGTH)).mean()
    if world.truth["raw_geometry"]:
        assert hits == 1
    else:
        assert hits < 2.5 / LENGTH  # chance is 1 / LENGTH


def test_decodability(world, ids):
    hidden, _ = world.forward_ids(ids)
    named = name_token(hidden[:, -1], ids, world)
    if world.truth["decodability"]:
        assert named == 1
    else:
        assert named < 3 / world.vocab_size  # chance is 1 / vocab_size


def test_causal_locality_and_share(world, ids):
    change, places = replace_one(world, ids, np.random.default_rng(3))
    own = change[np.arange(len(ids)), places]
    local = (change.argmax(axis=1) == places).mean()
    share = (own / change.sum(axis=1)).mean()
    assert local == (1 if world.truth["causal_locality"] else 0)
    assert (share > 0.5) == world.truth["share_of_content"]


@pytest.mark.parametrize("world", ["keeper", "rotator", "mover"], indirect=True)
def test_picture(world, ids):
    """Whether the content a position reads is the token its largest weight names, in the layers that read."""
    hidden, attention = world.forward_ids(ids)
    word = world.blocks["word"]
    for layer in range(1, world.n_layers):
        named = attention[:, layer, 0].argmax(axis=-1)  # (batch, query): the token the picture points at
        assert (attention[:, layer, 0].max(axis=-1) > 1 - 1e-9).all()  # and it points sharply
        codes = world.embedding[:, word]
        states = hidden[:, layer]
        if world.name == "rotator":  # its block lies in turned coordinates
            states = states @ np.linalg.lstsq(states.reshape(-1, world.dim), hidden[:, 0].reshape(-1, world.dim))[0]
        content = (states[..., word] @ codes.T).argmax(axis=-1)  # (batch, key): the token really there
        read = np.take_along_axis(content, named, axis=1)
        shown = np.take_along_axis(ids, named, axis=1)
        agrees = (read == shown).mean()
        assert agrees == (0 if world.truth["picture_misleading"] else 1)


def test_attention_is_causal_or_not(world, ids):
    hidden, attention = world.forward_ids(ids)
    uniform, used = world.forward_ids(ids, attention=np.full_like(attention, 1 / LENGTH))
    assert (used == 1 / LENGTH).all()
    change = np.linalg.norm(uniform[:, -1] - hidden[:, -1], axis=-1) / np.linalg.norm(hidden[:, -1], axis=-1)
    if world.truth["attention_causal"]:
        assert change.mean() > 0.03
    else:
        np.testing.assert_array_equal(uniform, hidden)
    given, _ = world.forward_ids(ids, attention=attention)
    np.testing.assert_array_equal(given, hidden)  # its own weights put back change nothing


def test_parts_add_up_to_the_output(world, ids):
    hidden, attention = world.forward_ids(ids)
    parts = world.parts(ids)
    written = np.einsum("blhqk,blhkd->blqd", parts.attention, parts.values)
    np.testing.assert_allclose(parts.residual + written, parts.output, atol=1e-12)
    np.testing.assert_array_equal(parts.residual[:, 0], hidden[:, 0])
    np.testing.assert_array_equal(parts.output, hidden[:, 1:])
    np.testing.assert_array_equal(parts.attention, attention)


def test_layers_resume_where_they_were_left(world, ids):
    hidden, attention = world.forward_ids(ids)
    ids.flags.writeable = hidden.flags.writeable = False
    for layer in range(world.n_layers):
        above, maps = world.resume(hidden[:, layer], layer)
        np.testing.assert_array_equal(above, hidden[:, layer:])
        np.testing.assert_array_equal(maps, attention[:, layer:])
    with pytest.raises(ExplaintError, match="layer 4"):
        world.resume(hidden[:, -1], world.n_layers)
    with pytest.raises(ExplaintError, match="shape"):
        world.resume(hidden[:, 0, :, :5], 0)


def test_swapped_states_permute_every_map_above(world, ids):
    """A state carries its position with it: after a swap the picture is as crisp, and the labels are wrong."""
    hidden, attention = world.forward_ids(ids)
    order = np.arange(LENGTH)
    order[[3, 8]] = 8, 3
    above, maps = world.resume(hidden[:, 1][:, order], 1)
    np.testing.assert_allclose(maps, attention[:, 1:, :, order][..., order], atol=1e-9)
    np.testing.assert_allclose(above, hidden[:, 1:, order], atol=1e-9)


def test_sources_tell_whose_word_a_state_is_made_of(world, ids):
    shares = world.sources(ids[:30])
    assert shares.shape == (30, world.n_layers + 1, LENGTH, LENGTH) and shares.min() >= 0
    rows = shares[:, :, 1:] if world.start_id is not None else shares  # <start> holds no word at first
    np.testing.assert_allclose(rows.sum(axis=-1), 1, atol=1e-12)
    np.testing.assert_array_equal(rows[:, 0], np.broadcast_to(np.eye(LENGTH), shares[:, 0].shape)[:, -rows.shape[2] :])
    top, own = shares[:, -1], np.arange(LENGTH)
    expected = {"mover": (own - 1) % LENGTH}.get(world.name, own)
    assert (top.argmax(axis=-1)[:, 1:] == expected[1:]).all()
    if world.name == "mover":
        assert top[:, own, own].max() < 1e-12
    elif world.name in ("decoy", "rotator"):
        np.testing.assert_allclose(top, np.broadcast_to(np.eye(LENGTH), top.shape), atol=1e-12)
    elif world.name == "sink":
        assert top[:, :, 0].max() == 0
    looked_up = 3 if world.name == "mover" else 5  # the mover's layers 2 to 4 look back 2 to 4 places, at i - 1
    assert (world.name in ("keeper", "mover", "sink")) == (top[:, 6, looked_up].min() > 0.01)


# --- each world's own mechanism


def test_decoy_draws_the_keepers_pictures_and_reads_nothing():
    keeper, decoy = (build(rng=np.random.default_rng(1)) for build in (planted.keeper, planted.decoy))
    ids = keeper.sample(50, LENGTH, rng=np.random.default_rng(2))
    hidden, attention = decoy.forward_ids(ids)
    np.testing.assert_array_equal(attention, keeper.forward_ids(ids)[1])
    np.testing.assert_array_equal(hidden, np.repeat(hidden[:, :1], decoy.n_layers + 1, axis=1))
    assert (decoy.parts(ids).values == 0).all()
    for layer in decoy.layers:  # the values themselves, and the output map, are as large as the Keeper's
        assert (np.linalg.norm(hidden[:, :1] @ layer.value, axis=-1) > 0.9).all()
        assert np.abs(layer.output).max() > 0.05


def test_sink_parks_its_weight_where_nothing_is():
    sink = planted.sink(rng=np.random.default_rng(1))
    ids = sink.sample(50, LENGTH, rng=np.random.default_rng(2))
    parts = sink.parts(ids)
    assert (parts.attention[..., 0].mean(axis=(0, 1, 3)) > 0.85).all()
    assert (parts.values[..., 0, :] == 0).all() and np.abs(parts.values[..., 1:, :]).max() > 0.05
    back = parts.attention[:, 0, 0]  # (batch, query, key): the first layer's head that looks one back
    expected = 0.9 * np.eye(LENGTH)[0] + 0.1 * np.eye(LENGTH)[4]
    np.testing.assert_allclose(back[:, 5], np.broadcast_to(expected, (50, LENGTH)), atol=1e-12)
    # without the first token's weight the rest names the words that are read: the Keeper's, one place further on
    keeper = planted.keeper(rng=np.random.default_rng(1))
    np.testing.assert_array_equal(keeper.embedding, sink.embedding[:96])
    states, _ = sink.forward_ids(ids)
    words = sink.embedding[ids][..., sink.blocks["word"]]
    np.testing.assert_allclose(states[:, 1, 5][..., sink.blocks["before"]], words[:, 4] / 16, atol=1e-12)


def test_keeper_heads_look_up_what_they_seem_to():
    world = planted.keeper(rng=np.random.default_rng(1))
    ids = world.sample(50, LENGTH, rng=np.random.default_rng(2))
    hidden, attention = world.forward_ids(ids)
    classes = np.array(world.classes)[ids]
    alike = (classes[:, :, None] == classes[:, None, :]) & ~np.eye(LENGTH, dtype=bool)
    expected = np.where(alike.any(axis=-1, keepdims=True), alike, np.eye(LENGTH))
    expected = expected / expected.sum(axis=-1, keepdims=True)
    codes = world.embedding[ids][..., world.blocks["word"]]
    for layer in range(world.n_layers):
        back = np.eye(LENGTH)[np.maximum(np.arange(LENGTH) - layer - 1, 0)]
        np.testing.assert_allclose(attention[:, layer, 0], np.broadcast_to(back, attention[:, 0, 0].shape), atol=1e-12)
        np.testing.assert_allclose(attention[:, layer, 1], expected, atol=1e-12)
        written = np.diff(hidden[:, layer : layer + 2], axis=1)[:, 0]
        np.testing.assert_allclose(written[..., world.blocks["before"]], back @ codes / 16, atol=1e-12)
        np.testing.assert_allclose(written[..., world.blocks["alike"]], expected @ codes / 16, atol=1e-12)
    for name in ("word", "class", "position"):
        np.testing.assert_array_equal(hidden[:, -1][..., world.blocks[name]], hidden[:, 0][..., world.blocks[name]])


def test_rotator_turns_and_procrustes_turns_back():
    world = planted.rotator(rng=np.random.default_rng(1))
    ids = world.sample(N_SENTENCES, LENGTH, rng=np.random.default_rng(2))
    hidden, attention = world.forward_ids(ids)
    np.testing.assert_allclose(attention, np.broadcast_to(np.eye(LENGTH), attention.shape), atol=1e-12)
    inputs = hidden[:, 0].reshape(-1, world.dim)
    for layer in range(1, world.n_layers + 1):
        states = hidden[:, layer].reshape(-1, world.dim)
        np.testing.assert_allclose(states @ states.T, inputs @ inputs.T, atol=1e-9)  # nothing within changes
        left, _, right = np.linalg.svd(states.T @ inputs)
        np.testing.assert_allclose(states @ (left @ right), inputs, atol=1e-9)
        cosines = np.einsum("nd,nd->n", states, inputs) / np.einsum("nd,nd->n", inputs, inputs)
        assert abs(cosines.mean()) < 0.3
    far = nearest_input(hidden[:, 1:], hidden[:, :1]) == np.arange(LENGTH)
    assert far.mean() == pytest.approx(1 / LENGTH, abs=0.06)


def test_mover_moves_right_and_erases():
    world = planted.mover(rng=np.random.default_rng(1))
    ids = world.sample(N_SENTENCES, LENGTH, rng=np.random.default_rng(2))
    hidden, attention = world.forward_ids(ids)
    neighbour = np.roll(np.arange(LENGTH), 1)  # of position 0: the last
    identity = slice(world.blocks["word"].start, world.blocks["class"].stop)
    for layer in range(1, world.n_layers + 1):
        assert (nearest_input(hidden[:, layer], hidden[:, 0]) == neighbour).all()
        np.testing.assert_allclose(
            hidden[:, layer][..., identity], hidden[:, 0][:, neighbour][..., identity], atol=1e-12
        )
        assert name_token(hidden[:, layer], ids[:, neighbour], world) == 1  # decodable: the neighbour's token
    change, places = replace_one(world, ids, np.random.default_rng(3))
    assert (change.argmax(axis=1) == (places + 1) % LENGTH).all()
    assert (change[np.arange(len(ids)), places] < 0.2 * change.max(axis=1)).all()
    # the maps of the upper layers are crisp, and are the keeper's maps of the shifted sentence
    shifted = planted.keeper(rng=np.random.default_rng(1)).forward_ids(ids[:, neighbour])[1]
    np.testing.assert_allclose(attention[:, 1:], shifted[:, 1:], atol=1e-9)


def test_mover_keeps_positions_so_a_position_alone_finds_the_input():
    """The trap its docstring warns of: layer-0 states of the sentence can be named without any word."""
    world = planted.mover(rng=np.random.default_rng(1))
    ids = world.sample(N_SENTENCES, LENGTH, rng=np.random.default_rng(2))
    hidden, _ = world.forward_ids(ids)
    place = world.blocks["position"]
    found = (hidden[:, -1][..., place] @ np.swapaxes(hidden[:, 0][..., place], -1, -2)).argmax(axis=-1)
    assert (found == np.arange(LENGTH)).all()


# --- property worlds


def properties(kind, seed=4, **sizes):
    return planted.property_world(kind, rng=np.random.default_rng(seed), **sizes)


KINDS = ("nothing", "category", "category_and_attributes", "attributes_low_variance", "word_form")


def predict(world, test):
    """Predict the norms of held-out words by ridge from the embeddings of the others."""
    x, y = world.embeddings, world.values
    mean_x, mean_y = x[~test].mean(axis=0), y[~test].mean(axis=0)
    gram = (x[~test] - mean_x).T @ (x[~test] - mean_x) + 1000 * np.eye(x.shape[1])
    return mean_y + (x[test] - mean_x) @ np.linalg.solve(gram, (x[~test] - mean_x).T @ (y[~test] - mean_y))


def f1_at_10(predicted, gold):
    top = np.argsort(-predicted, axis=1, kind="stable")[:, :10]
    hits = np.take_along_axis(gold > 0, top, axis=1).sum(axis=1)
    return float((2 * hits / (10 + (gold > 0).sum(axis=1))).mean())


def two_alternatives(predicted, gold, categories):
    """Return how often a prediction is nearer to its own norms than to those of a word of the category.

    Both words of a pair are held out: a word that is missing from its own category's mean would otherwise
    push an uninformed predictor below one half.
    """
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (predicted, gold)]
    similarity = unit[0] @ unit[1].T
    wins = np.sign(np.diag(similarity)[:, None] - similarity) / 2 + 0.5
    pairs = (categories[:, None] == categories[None, :]) & ~np.eye(len(gold), dtype=bool)
    return float(wins[pairs].mean())


def scores(kind):
    """Return mean F1@10, mean-profile F1@10 and two-alternative accuracy over seeds and halves."""
    told = []
    for seed in range(6):
        world = properties(kind, seed)
        halves = np.random.default_rng(seed).permutation(np.arange(len(world.words)) % 2)
        for half in (0, 1):
            test = halves == half
            gold, predicted = world.values[test], predict(world, test)
            profile = np.broadcast_to(world.values[~test].mean(axis=0), gold.shape)
            told.append(
                (f1_at_10(predicted, gold), f1_at_10(profile, gold),
                 two_alternatives(predicted, gold, np.array(world.categories)[test]))
            )  # fmt: skip
    return np.mean(told, axis=0)


def test_norms_are_the_same_over_kinds_and_only_the_embeddings_differ():
    worlds = [properties(kind) for kind in KINDS]
    for world in worlds[1:]:
        np.testing.assert_array_equal(world.values, worlds[0].values)
        assert (world.features, world.categories) == (worlds[0].features, worlds[0].categories)
        assert not np.array_equal(world.embeddings, worlds[0].embeddings)
    # strength 0 leaves the noise alone, which is the world that encodes nothing
    silent = properties("category_and_attributes", strength=0.0)
    np.testing.assert_array_equal(silent.embeddings, worlds[0].embeddings)


def test_norms_look_like_mcrae():
    world = properties("nothing")
    told = world.values > 0
    assert told.sum(axis=1).mean() == pytest.approx(13.4, abs=1)
    assert (told.sum(axis=0) == 1).mean() == pytest.approx(2 / 3, abs=0.01)
    assert told.any(axis=0).all() and told.any(axis=1).all()
    assert world.values.min() == 0 and world.values[told].min() >= 5 and world.values.max() <= 30
    assert len(world.features) == len(set(world.features)) == len(world.feature_types)
    distinctive = np.array(world.feature_types) == "distinctive"
    assert (told[:, distinctive].sum(axis=0) == 1).all() and (told[:, ~distinctive].sum(axis=0) >= 2).all()


def test_what_the_embeddings_say_shows():
    nothing, category, both = (scores(kind) for kind in KINDS[:3])
    # nothing: at the floor of the mean profile, and no word told from another
    assert abs(nothing[0] - nothing[1]) < 0.02
    assert nothing[2] == pytest.approx(0.5, abs=0.03)
    # category: far above chance and floor on F1, blind within the category
    chance = 10 / len(properties("nothing").features)
    assert category[0] > nothing[0] + 0.05 and category[0] > 5 * chance
    assert category[2] == pytest.approx(0.5, abs=0.03)
    # attributes: sees within the category
    assert both[0] > category[0] and both[2] > 0.62
    assert [properties(kind).truth["word"] for kind in KINDS] == [False, False, True, True, False]
    assert [properties(kind).truth["category"] for kind in KINDS] == [False, True, True, True, False]


def explained(features, target):
    """Return the share of a target's variance that a ridge map finds on held-out words."""
    x, half = features - features.mean(axis=0), np.arange(len(features)) % 2 == 0
    y = target - target.mean(axis=0)
    gram = x[half].T @ x[half] + 1e-3 * np.trace(x[half].T @ x[half]) / x.shape[1] * np.eye(x.shape[1])
    error = y[~half] - x[~half] @ np.linalg.solve(gram, x[half].T @ y[half])
    return 1 - (error**2).sum() / (y[~half] ** 2).sum()


def test_attributes_of_low_variance_are_there_for_a_map_and_not_for_a_distance():
    low, loud, category = (
        properties(kind, n_words=480, strength=2.0)
        for kind in ("attributes_low_variance", "category_and_attributes", "category")
    )
    assert low.truth["word"] and not low.truth["word_by_distance"] and loud.truth["word_by_distance"]
    # every coordinate is as loud as any other: the quiet directions are not found by looking at single ones
    assert low.embeddings.std(axis=0).min() > 0.3 * low.embeddings.std(axis=0).max()
    spectrum = np.linalg.svd(low.embeddings - low.embeddings.mean(axis=0), compute_uv=False) ** 2
    assert spectrum[-10:].sum() / spectrum.sum() < 0.02
    assert explained(low.embeddings, low.attributes) > 0.35 > 0.1 > explained(category.embeddings, category.attributes)

    def within(world):  # correlation of distances of vectors and of attributes, inside categories
        pairs = [np.linalg.norm(each[:, None] - each[None], axis=-1) for each in (world.embeddings, world.attributes)]
        same = np.equal.outer(world.categories, world.categories) & ~np.eye(len(world.words), dtype=bool)
        return np.corrcoef(pairs[0][same], pairs[1][same])[0, 1]

    assert within(loud) > 0.4 and abs(within(low)) < 0.1 and abs(within(category)) < 0.1


def test_word_form_tells_the_spelling_and_not_the_norms():
    world, nothing = properties("word_form", n_words=480, strength=2.0), properties("nothing", n_words=480)
    assert world.words == nothing.words and len(set(world.words)) == 480 and all(map(str.isalpha, world.words))
    first = np.equal.outer([word[0] for word in world.words], np.unique([word[0] for word in world.words]))
    length = np.array([[len(word)] for word in world.words], dtype=float)
    assert (
        explained(world.embeddings, first.astype(float)) > 0.05 > 0 > explained(nothing.embeddings, first.astype(float))
    )
    assert explained(world.embeddings, length) > 0.5
    assert explained(world.embeddings, world.attributes) < 0.05
    assert [kind for kind in KINDS if properties(kind).truth["form"]] == ["word_form"]
    assert not any(world.truth[claim] for claim in ("beats_mean_profile", "category", "word", "word_by_distance"))


def test_strength_is_a_dose():
    strong, weak = (properties("category_and_attributes", strength=s) for s in (2.0, 0.2))
    test = np.arange(240) % 2 == 0
    accuracy = [
        two_alternatives(predict(w, test), w.values[test], np.array(w.categories)[test]) for w in (weak, strong)
    ]
    assert accuracy[1] > accuracy[0] + 0.05


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("everything", {}),
        ("nothing", {"n_categories": 1}),
        ("nothing", {"n_words": 40}),
        ("category", {"dim": 0}),
        ("attributes_low_variance", {"dim": 19}),
        ("category", {"strength": -1.0}),
        ("category", {"strength": float("nan")}),
    ],
)
def test_worlds_that_cannot_be(kind, sizes):
    with pytest.raises(ExplaintError):
        properties(kind, **sizes)


@pytest.mark.parametrize("n_words", [8, 48, 500])
def test_other_sizes(n_words):
    world = properties("category", n_words=n_words, n_categories=2, dim=5)
    assert world.embeddings.shape == (n_words, 5) and (world.values > 0).any(axis=0).all()


# --- calibration


def test_calibration_counts_false_alarms_and_misses():
    worlds = {"null": lambda rng: rng.normal(), "signal": lambda rng: rng.normal() + 3}
    truth = {"null": False, "signal": True}
    diagnostics = {
        "above 1.645": lambda world, rng: world > 1.645,
        "always": lambda world, rng: True,
        "a coin": lambda world, rng: rng.random() < 0.5,
    }
    rows = planted.calibrate(diagnostics, worlds, truth, n_draws=200, rng=np.random.default_rng(0))
    found = {(row["diagnostic"], row["world"]): row for row in rows}
    assert len(rows) == 6 and all(row["n"] == 200 for row in rows)
    assert found["above 1.645", "null"]["error"] == pytest.approx(0.05, abs=0.04)
    assert found["above 1.645", "signal"]["error"] == pytest.approx(0.088, abs=0.06)
    assert found["always", "null"]["error"] == 1 and found["always", "signal"]["error"] == 0
    for row in rows:
        assert row["ci_low"] <= row["error"] <= row["ci_high"]
        assert row["error"] == pytest.approx(1 - row["said_yes"] if row["truth"] else row["said_yes"])
    coin = found["a coin", "null"]
    assert coin["ci_low"] < 0.5 < coin["ci_high"] and coin["ci_high"] - coin["ci_low"] < 0.15


def test_calibration_takes_the_truth_from_the_worlds():
    builds = {name: lambda rng, build=build: build(rng=rng) for name, build in BUILDERS.items()}

    def moved(world, rng):
        """Say whether some state at the top is nearest to another's input."""
        ids = world.sample(2, 8, rng=rng)
        hidden, _ = world.forward_ids(ids)
        return bool((nearest_input(hidden[:, -1], hidden[:, 0]) == np.arange(8)).all())

    rows = planted.calibrate(
        {"cosine": moved}, builds, lambda world: world.truth["decodability"], n_draws=5, rng=np.random.default_rng(0)
    )
    errors = {row["world"]: row["error"] for row in rows}
    assert errors == {"keeper": 0, "rotator": 1, "mover": 0, "decoy": 0, "sink": 0}


@pytest.mark.parametrize(
    ("diagnostics", "truth", "n_draws", "message"),
    [
        ({}, {"w": True}, 5, "at least one"),
        ({"d": lambda w, rng: True}, {"w": True}, 0, "at least one"),
        ({"d": lambda w, rng: True}, {"v": True}, 5, "is missing"),
        ({"d": lambda w, rng: True}, lambda w: w > 0, 40, "from draw to draw"),
    ],
)
def test_calibrations_that_cannot_be(diagnostics, truth, n_draws, message):
    with pytest.raises(ExplaintError, match=message):
        planted.calibrate(
            diagnostics, {"w": lambda rng: rng.normal()}, truth, n_draws=n_draws, rng=np.random.default_rng(0)
        )
