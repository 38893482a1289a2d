"""Tiny models of many architectures, and every public entry point tried on each.

``python tests/families.py`` prints the table family x entry point: "yes", or the sentence that refuses.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from explaint_lib import attention, attribution, encoders, relations
from explaint_lib._common import ExplaintError
from explaint_lib.continuity import continuity_curve
from explaint_lib.experiments.hypernymy._pair_attention import pair_attention

TEXTS = (
    "A robin is a small bird.",
    "The trout swam in the river while the robin sang on a branch near the old house.",
    "The truck of the fire brigade is red, and the bird is not.",
    "Dogs bark.",
    "A hammer is a tool; a trout is a fish.",
    "My aunt keeps two horses and a goat behind the barn.",
)
WORDS = ("robin", "trout", "fire truck", "hammer")

_STACK = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
H = _STACK | {"max_position_embeddings": 80}
GQA = H | {"num_key_value_heads": 2}
GPT = {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 80}
XLM = {"emb_dim": 32, "n_layers": 3, "n_heads": 4, "max_position_embeddings": 80, "pad_index": 0}
T5 = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 3, "num_heads": 4}
OPT = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "ffn_dim": 64,
    "max_position_embeddings": 80,
}
EXPERTS = {"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 16}
LINEAR = {f"linear_{of}": size for of, size in (("num_key_heads", 2), ("num_value_heads", 2), ("key_head_dim", 8),
                                                ("value_head_dim", 8))}  # fmt: skip
VISION = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
          "image_size": 28, "patch_size": 14}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """An architecture: prefix of its transformers classes, the head it is saved with, its tokenizer, its sizes."""

    prefix: str
    head: str
    tokenizer: str
    options: dict[str, Any]


def _of(tokenizer: str, head: str, **families: tuple[str, dict[str, Any]]) -> dict[str, Family]:
    return {name: Family(prefix, head, tokenizer, options) for name, (prefix, options) in families.items()}


FAMILIES = {
    **_of(
        "pieces", "ForMaskedLM",
        bert=("Bert", H), electra=("Electra", H | {"embedding_size": 32}),
        electra_small=("Electra", H | {"embedding_size": 16}),
        distilbert=("DistilBert", {
            "dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 64, "max_position_embeddings": 80}),
        deberta=("DebertaV2", H | {
            "relative_attention": True, "pos_att_type": "p2c|c2p", "position_biased_input": False}),
        modernbert=("ModernBert", H | {"pad_token_id": 0, "local_attention": 8, "global_attn_every_n_layers": 3}),
        bigbird=("BigBird", H | {"block_size": 4, "num_random_blocks": 1}), funnel=("Funnel", {
            "d_model": 32, "n_head": 4, "d_head": 8, "d_inner": 64, "block_sizes": [1, 1, 1]}),
        fnet=("FNet", {key: size for key, size in H.items() if key != "num_attention_heads"}),
        convbert=("ConvBert", H | {"embedding_size": 32}), roformer=("RoFormer", H | {"embedding_size": 32}),
        rembert=("RemBert", H | {"input_embedding_size": 16, "output_embedding_size": 16}),
        squeezebert=("SqueezeBert", H | {"embedding_size": 32}), mobilebert=("MobileBert", H | {
            "embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16}),
        nystromformer=("Nystromformer", H | {"segment_means_seq_len": 16, "num_landmarks": 4}), yoso=("Yoso", H),
        mra=("Mra", H), ibert=("IBert", H), megatron=("MegatronBert", H), ernie=("Ernie", H),
        esm=("Esm", H | {"pad_token_id": 0}),
    ),
    **_of("pieces", "WithLMHeadModel", xlm=("XLM", XLM), flaubert=("Flaubert", XLM)),
    **_of("roberta", "ForMaskedLM", roberta=("Roberta", H | {"pad_token_id": 1}),
          mpnet=("MPNet", H), camembert=("Camembert", H),
          longformer=("Longformer", H | {"attention_window": 4, "pad_token_id": 1})),
    **_of("roberta", "ForCausalLM", opt=("OPT", OPT | {"word_embed_proj_dim": 32}),
          opt350=("OPT", OPT | {"word_embed_proj_dim": 16, "do_layer_norm_before": False})),
    **_of("roberta", "ForConditionalGeneration", bart=("Bart", {"d_model": 32, "encoder_layers": 2, "decoder_layers": 2,
          "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64})),
    **_of("roberta", "Model", clip_text=("CLIPText", H | {"projection_dim": 32, "eos_token_id": 2, "bos_token_id": 0})),
    **_of("unigram", "ForMaskedLM", albert=("Albert", H | {"embedding_size": 16})),
    **_of("unigram", "LMHeadModel", xlnet=("XLNet", {"d_model": 32, "n_layer": 3, "n_head": 4, "d_inner": 64})),
    **_of("unigram", "EncoderModel", t5_encoder=("T5", T5 | {"is_encoder_decoder": False})),
    **_of("unigram", "ForConditionalGeneration", t5=("T5", T5), gemma3_images=("Gemma3", {
        "text_config": GQA | {"vocab_size": 400, "head_dim": 8, "sliding_window": 4}, "vision_config": VISION,
        "mm_tokens_per_image": 4, "image_token_index": 1, "boi_token_index": 2, "eoi_token_index": 3})),
    **_of(
        "unigram", "ForCausalLM",
        llama=("Llama", GQA), gemma=("Gemma", GQA | {"num_key_value_heads": 1, "head_dim": 8}),
        gemma2=("Gemma2", GQA | {"head_dim": 8, "sliding_window": 4}), mistral=("Mistral", GQA | {"sliding_window": 4}),
        phi3=("Phi3", GQA | {"pad_token_id": 0}), mixtral=("Mixtral", GQA | {"num_local_experts": 3}),
        recurrentgemma=("RecurrentGemma", _STACK | {
            "lru_width": 32, "attention_window_size": 8, "num_key_value_heads": 1, "head_dim": 8}),
    ),
    **_of("bytes", "LMHeadModel", gpt2=("GPT2", GPT), openai_gpt=("OpenAIGPT", GPT), ctrl=("CTRL", GPT | {"dff": 64})),
    **_of("bytes", "ModelWithLMHead", reformer=("Reformer", {
        "is_decoder": True, "hidden_size": 32, "axial_pos_embds_dim": (16, 16), "num_attention_heads": 4,
        "attention_head_size": 8, "feed_forward_size": 64})),
    **_of(
        "bytes", "ForCausalLM",
        gptj=("GPTJ", GPT | {"rotary_dim": 8}), codegen=("CodeGen", GPT | {"rotary_dim": 8}),
        gptbigcode=("GPTBigCode", GPT), gptneox=("GPTNeoX", H), gptneo=("GPTNeo", {
            "hidden_size": 32, "num_layers": 4, "num_heads": 4, "attention_types": [[["global", "local"], 2]],
            "window_size": 4, "max_position_embeddings": 80}),
        bloom=("Bloom", {"hidden_size": 32, "n_layer": 3, "n_head": 4}), mpt=("Mpt", {
            "d_model": 32, "n_layers": 3, "n_heads": 4, "max_seq_len": 80}),
        falcon=("Falcon", {key: size for key, size in H.items() if key != "intermediate_size"}),
        phi=("Phi", GQA), stablelm=("StableLm", GQA), starcoder2=("Starcoder2", GQA), cohere=("Cohere", GQA),
        qwen2=("Qwen2", GQA), qwen3=("Qwen3", GQA | {"head_dim": 8}), olmo2=("Olmo2", GQA), glm4=("Glm4", GQA | {
            "pad_token_id": 0, "head_dim": 8}),
        granite=("Granite", GQA | {"residual_multiplier": 0.5, "embedding_multiplier": 3.0}), biogpt=("BioGpt", H),
        smollm3=("SmolLM3", GQA | {"pad_token_id": 0, "no_rope_layers": [1, 0, 1]}), gptoss=("GptOss", GQA | {
            "num_local_experts": 2, "num_experts_per_tok": 1, "head_dim": 8, "sliding_window": 4,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}}),
        mamba=("Mamba", {"hidden_size": 32, "num_hidden_layers": 3}), rwkv=("Rwkv", {
            "hidden_size": 32, "num_hidden_layers": 3, "attention_hidden_size": 32}),
        jamba=("Jamba", _STACK | {
            "num_hidden_layers": 4, "num_key_value_heads": 2, "attn_layer_period": 2, "attn_layer_offset": 1,
            "expert_layer_period": 2, "expert_layer_offset": 1, "num_experts": 2, "num_experts_per_tok": 1,
            "use_mamba_kernels": False, "mamba_dt_rank": 4, "mamba_d_state": 4}),
        lfm2=("Lfm2", GQA | {"layer_types": ["conv", "full_attention", "conv"]}),
        qwen3next=("Qwen3Next", GQA | EXPERTS | LINEAR | {
            "head_dim": 8, "shared_expert_intermediate_size": 16,
            "layer_types": ["linear_attention", "full_attention", "linear_attention"]}),
    ),
}  # fmt: skip

#: Refused at the door, and the word that says why.
REFUSED = {"bart": "encoder-decoder", "t5": "encoder-decoder", "funnel": "same width", "opt350": "same width",
           "nystromformer": "cannot be run on a text"}  # fmt: skip


@cache
def tokenizer(kind: str) -> Any:
    """Return a tokenizer trained on the texts: word pieces, byte-level BPE with or without ends, or Unigram."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    lines = [*TEXTS, *WORDS, "one two three four five six", "This is a robin.", *(f"The {word}" for word in WORDS)]
    lines += [text for pair in _sentences() for text in [pair.text]]
    ends = {"pieces": ("[CLS]", "[SEP]"), "roberta": ("<s>", "</s>"), "bytes": (), "unigram": ("<s>", "</s>")}[kind]
    special = ["<pad>", "<unk>", *ends]
    if kind == "pieces":
        made = Tokenizer(models.WordPiece(unk_token="<unk>"))
        made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=special)
    elif kind == "unigram":
        made = Tokenizer(models.Unigram())
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=400, special_tokens=special, unk_token="<unk>")
    else:
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    made.train_from_iterator(lines, trainer)
    if ends:
        single = "<s> $A" if kind == "unigram" else f"{ends[0]} $A {ends[1]}"
        ids = [(token, made.token_to_id(token)) for token in ends]
        made.post_processor = processors.TemplateProcessing(single=single, special_tokens=ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", unk_token=None if kind in ("bytes", "roberta") else "<unk>"
    )


def save(name: str, folder: Path) -> Path:
    """Save a tiny model of a family, random weights drawn with seed 0, as its users save theirs."""
    import torch
    import transformers

    family = FAMILIES[name]
    words = tokenizer(family.tokenizer)
    rows = {} if "text_config" in family.options else {"vocab_size": len(words)}
    config = getattr(transformers, f"{family.prefix}Config")(**family.options | rows)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        getattr(transformers, family.prefix + family.head)(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def library_states(encoder: encoders.Encoder, encoding: encoders.Encoding) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return what the transformers library itself gives for one text alone, freshly loaded: states and attention."""
    import torch

    ids = torch.from_numpy(encoding.token_ids[None])
    with torch.no_grad():
        out = encoder.model(
            input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True, output_attentions=True
        )
    maps = [] if encoder.measured.no_attention else [layer[0].numpy() for layer in out.attentions]
    return torch.stack(out.hidden_states)[:, 0].numpy(), maps


# --- entry points -----------------------------------------------------------------------------------------


def _near(found: np.ndarray, expected: np.ndarray) -> None:
    scale = max(1e-6, float(np.abs(expected).max()))
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-5)


def _encode(encoder: encoders.Encoder) -> None:
    for encoding in encoder.encode(TEXTS, attention=False):
        _near(encoding.hidden_states, library_states(encoder, encoding)[0])


def _encode_attention(encoder: encoders.Encoder) -> None:
    for encoding in encoder.encode(TEXTS):
        n = len(encoding)
        assert encoding.attention.shape == (encoder.n_layers, encoder.n_heads, n, n) and encoding.attention.min() >= 0
        _near(encoding.attention, np.stack(library_states(encoder, encoding)[1]))
        rows = encoding.attention.sum(axis=-1)
        assert rows.max() < 1 + 1e-5 and (encoder.measured.to_sink or rows.min() > 1 - 1e-5)
        if encoder.family == "decoder":
            assert not np.triu(encoding.attention, k=1).any()


def _words(encoder: encoders.Encoder, **options: Any) -> None:
    found = encoder.word_vectors(WORDS, layer="all", **options)
    assert found.shape == (encoder.n_layers + 1, len(WORDS), encoder.dim) and np.isfinite(found).all()
    assert len(np.unique(found[-1].round(5), axis=0)) == len(WORDS)
    each = [encoder.word_vectors([word], **_one(options, i))[0] for i, word in enumerate(WORDS)]
    _near(found[-1], np.stack(each))


def _one(options: dict[str, Any], i: int) -> dict[str, Any]:
    return options | ({"hints": [options["hints"][i]]} if "hints" in options else {})


def _corpus(encoder: encoders.Encoder) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.txt"
        path.write_text("\n".join(f"{text} It saw a {word}." for text in TEXTS for word in WORDS), encoding="utf-8")
        assert np.isfinite(encoder.word_vectors(WORDS, corpus=path)).all()


def _maps(encoder: encoders.Encoder) -> tuple[np.ndarray, bool]:
    return encoder.encode([TEXTS[2]])[0].attention, encoder.family == "decoder"


def _summaries(encoder: encoders.Encoder) -> None:
    maps, causal = _maps(encoder)
    for function in (attention.row_entropy, attention.gini, attention.map_statistics, attention.mean_distance,
                     attention.sink_share, attention.diagonal_share):  # fmt: skip
        found = function(maps, causal=causal)
        assert np.isfinite(found).any() and not np.isinf(found).any()  # a row of one key has no Gini coefficient


def _rollout(encoder: encoders.Encoder) -> None:
    mixed = attention.rollout(attention.mean_over_heads(_maps(encoder)[0]))
    assert np.isfinite(mixed).all() and (mixed.sum(axis=-1) < 1 + 1e-5).all()


def _statistics(encoder: encoders.Encoder) -> None:
    causal = encoder.family == "decoder"
    entropy = partial(attention.row_entropy, causal=causal)
    found = attribution.attention_statistics(encoder, [TEXTS[2]], {"entropy": entropy})[0]["entropy"]
    _near(found, attention.row_entropy(_maps(encoder)[0], causal=causal))


def _parts(encoder: encoders.Encoder) -> None:
    for part in attribution.layer_parts(encoder, _ids(encoder)):
        block = attention.LayerParts(**part)
        assert np.isfinite(attention.norm_weighted(block)).all() and np.isfinite(attention.alti(block)).all()


def _ids(encoder: encoders.Encoder) -> np.ndarray:
    return encoder.encode([TEXTS[0]], hidden_states=False, attention=False)[0].token_ids


def _sizes(method: Callable[..., np.ndarray], encoder: encoders.Encoder, **options: Any) -> None:
    ids = _ids(encoder)
    found = method(encoder, ids, **options)
    found = found[..., ~np.isnan(found).all(axis=(0, 1))]  # no token may be found that fits in a place
    assert np.isfinite(found).all() and (found >= 0).all() and found.any()
    if encoder.family == "decoder" and found.shape[-1] == len(ids):
        assert np.triu(found, k=1).max() <= 1e-4 * found.max()


def _replacements(encoder: encoders.Encoder) -> tuple[list[np.ndarray], list[np.ndarray], Any]:
    done = encoder.encode(TEXTS, hidden_states=False, attention=False)
    ids, special = [one.token_ids for one in done], [one.special for one in done]
    return ids, special, attribution.frequency_matched(ids, encoder.vocabulary, special=special)


def _replaced(encoder: encoders.Encoder) -> None:
    replacer = _replacements(encoder)[2]
    _sizes(attribution.replacement_effect, encoder, replacements=replacer, rng=np.random.default_rng(0))


def _interventions(encoder: encoders.Encoder) -> None:
    ids, special, replacer = _replacements(encoder)
    found = attribution.interventional_continuity(
        encoder, ids, special=special, n_interventions=6, replacements=replacer, rng=np.random.default_rng(0)
    )
    assert np.isfinite(found.share[:, 1:]).all()


def _corruptions(encoder: encoders.Encoder) -> None:
    intact = encoder.encode([TEXTS[0]], attention=False)[0]
    for layer in (0, encoder.n_layers - 1):
        (same,) = attribution.corrupted(encoder, [TEXTS[0]], layer, lambda states: states)
        _near(same.hidden_states, intact.hidden_states)
        order = np.arange(len(intact))[::-1]
        (changed,) = attribution.corrupted(encoder, [TEXTS[0]], layer, attribution.reorder(order))
        assert np.abs(changed.hidden_states[-1] - intact.hidden_states[-1]).max() > 1e-5


def _continuity(encoder: encoders.Encoder) -> None:
    done = encoder.encode(TEXTS, attention=False)
    found = continuity_curve(
        [one.hidden_states for one in done], [one.token_ids for one in done], [one.special for one in done],
        embedding=encoder.embedding_matrix(), rng=np.random.default_rng(0), n_folds=2, vocabulary_items=50,
    )  # fmt: skip
    assert {score.layer for score in found} == set(range(encoder.n_layers + 1))


@cache
def _sentences() -> tuple[relations.Sentence, ...]:
    pairs = [relations.Pair("robin", "bird"), relations.Pair("trout", "fish"), relations.Pair("hammer", "tool")]
    return tuple(relations.fill(form, *pair) for form in relations.templates("affirmed")[:2] for pair in pairs)


def _hypernymy(encoder: encoders.Encoder) -> None:
    from explaint_lib.experiments.hypernymy import _features as features

    found = pair_attention(encoder, list(_sentences()))
    assert found.shape == (len(_sentences()), 2 * encoder.n_layers * encoder.n_heads + 4) and np.isfinite(found).all()
    alone = features.read_alone(encoder, {relations.Pair("robin", "bird"), relations.Pair("trout", "fish")})
    assert np.isfinite(list(alone.values())).all()


ENTRY_POINTS: dict[str, Callable[[encoders.Encoder], None]] = {
    "encode": _encode,
    "encode with attention": _encode_attention,
    "words alone": _words,
    "words in templates": partial(_words, templates=["This is a {word}.", "My aunt keeps a {word} behind the barn."]),
    "words with hints": partial(_words, hints=["bird", None, "red", "tool"]),
    "words in a corpus": _corpus,
    "attention summaries": _summaries,
    "rollout": _rollout,
    "attention statistics": _statistics,
    "norm-weighted, ALTI": _parts,
    "value zeroing": partial(_sizes, attribution.value_zeroing),
    "value ablation": partial(_sizes, attribution.value_ablation),
    "leave one out": partial(_sizes, attribution.leave_one_out),
    "replacement effect": _replaced,
    "gradient x input": partial(_sizes, attribution.gradient_x_input),
    "hidden token attribution": lambda encoder: _sizes(
        attribution.hidden_token_attribution, encoder, n_samples=4, rng=np.random.default_rng(0)
    ),
    "interventions": _interventions,
    "corruptions": _corruptions,
    "continuity": _continuity,
    "hypernymy": _hypernymy,
}


#: What every model that is let in must do, and what every model with attention must do too.
ALWAYS = ("encode", "words alone", "words in templates", "words with hints", "words in a corpus", "continuity")
WITH_ATTENTION = ("encode with attention", "attention summaries", "rollout")


def tried(encoder: encoders.Encoder) -> Iterator[tuple[str, str]]:
    """Yield each entry point with "yes" or the sentence that refuses; any other fault comes out."""
    for name, entry in ENTRY_POINTS.items():
        said = "yes"
        try:
            entry(encoder)
        except ExplaintError as fault:
            said = str(fault)
        yield name, said


def main() -> None:
    """Print the table family x entry point in Markdown, and below it each sentence once."""
    import tempfile

    sentences: dict[str, int] = {}
    names = list(ENTRY_POINTS)
    print("| family |", " | ".join(["load", *names]), "|\n|", " | ".join(["---"] * (len(names) + 2)), "|")
    for name in FAMILIES:
        cells = {}
        with tempfile.TemporaryDirectory() as folder:
            save(name, Path(folder))
            try:
                encoder = encoders.load_encoder(folder)
            except ExplaintError as fault:
                cells["load"] = str(fault).replace(folder, name)
            else:
                cells = {"load": "yes"} | {entry: said.replace(folder, name) for entry, said in tried(encoder)}
        for said in cells.values():
            if said != "yes":
                sentences.setdefault(said.replace(name, "MODEL"), len(sentences) + 1)
        shown = [cells.get(column, "") for column in ["load", *names]]
        marks = [said if said in ("yes", "") else f"no ({sentences[said.replace(name, 'MODEL')]})" for said in shown]
        print("|", name, "|", " | ".join(marks), "|", flush=True)
    for said, number in sentences.items():
        print(f"\n{number}. {said}")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
