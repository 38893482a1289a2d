"""BERT and Llama layers in plain numpy, float64, written from the papers: what the library's methods must equal."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from scipy.special import erf

VOCAB, N_IDS = 50, 9


def tiny(family: str, *, heads: int = 4, groups: int = 2, seed: int = 0):
    """Return a random model of a family in float64, wrapped as an encoder wraps it."""
    import torch
    from transformers import BertConfig, BertModel, LlamaConfig, LlamaModel

    sizes = dict(vocab_size=VOCAB, hidden_size=24, num_attention_heads=heads, intermediate_size=40)
    sizes |= dict(max_position_embeddings=32, attn_implementation="eager", initializer_range=0.25)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if family == "bert":
            model = BertModel(BertConfig(num_hidden_layers=2, **sizes), add_pooling_layer=False)
        else:
            more = dict(num_hidden_layers=3, num_key_value_heads=groups, attention_bias=family == "llama with biases")
            model = LlamaModel(LlamaConfig(**more, **sizes))
        for name, weights in model.named_parameters():  # the library starts biases at 0 and gains at 1
            if weights.ndim == 1:
                torch.nn.init.normal_(weights, 1.0 if "orm.weight" in name or "norm" in name[-12:] else 0.0, 0.2)
    return SimpleNamespace(model=model.double().eval(), family="encoder" if family == "bert" else "decoder")


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


class BertFormula:
    """One BERT layer: LayerNorm(x + heads + b), then LayerNorm(y + FFN(y))."""

    def __init__(self, layer, n_heads):
        self.w = {name: tensor.detach().numpy() for name, tensor in layer.state_dict().items()}
        self.n_heads, self.epsilon = n_heads, 1e-12

    def linear(self, name, x):
        return x @ self.w[f"{name}.weight"].T + self.w[f"{name}.bias"]

    def norm(self, name, x):
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.epsilon)
        return centred / spread * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def heads(self, x):
        """Return attention (head, n, n) and values (head, n, width)."""
        names = ("attention.self.query", "attention.self.key", "attention.self.value")
        q, k, v = (self.linear(name, x).reshape(len(x), self.n_heads, -1).swapaxes(0, 1) for name in names)
        return softmax(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])), v

    def given(self, x):
        """Return what each position gives to each other one through the heads: (i, j, dim)."""
        weights, values = self.heads(x)
        output = np.split(self.w["attention.output.dense.weight"].T, self.n_heads)
        return sum(weights[h][:, :, None] * (values[h] @ output[h])[None] for h in range(self.n_heads))

    def after(self, x, total):
        """Return the layer's output from the sum of residual connection, heads and bias."""
        y = self.norm("attention.output.LayerNorm", total)
        inner = self.linear("intermediate.dense", y)
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        return self.norm("output.LayerNorm", y + self.linear("output.dense", inner))

    def transformed(self, x):
        """Return T (i, j, dim), and the attention block's output (i, dim): Kobayashi 2021, Ferrando 2022."""
        vectors = self.given(x)
        total = vectors.sum(axis=1) + x + self.w["attention.output.dense.bias"]
        vectors[np.arange(len(x)), np.arange(len(x))] += x
        spread = np.sqrt(total.var(axis=-1) + self.epsilon)[:, None, None]
        gain = self.w["attention.output.LayerNorm.weight"]
        vectors = (vectors - vectors.mean(axis=-1, keepdims=True)) / spread * gain
        return vectors, self.norm("attention.output.LayerNorm", total), total


class LlamaFormula:
    """One Llama layer: y = x + heads(RMSNorm(x)), then y + MLP(RMSNorm(y)); queries and keys are rotated."""

    def __init__(self, layer, n_heads, epsilon=1e-6):
        self.w = {name: tensor.detach().numpy() for name, tensor in layer.state_dict().items()}
        self.n_heads, self.epsilon = n_heads, epsilon

    def linear(self, name, x):
        return x @ self.w[f"{name}.weight"].T + self.w.get(f"{name}.bias", 0)

    def norm(self, name, x):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.epsilon) * self.w[f"{name}.weight"]

    def rotated(self, x):
        """Turn the pairs (d, d + width / 2) of position p by p * 10000^(-2d / width)."""
        half = x.shape[-1] // 2
        angle = np.arange(x.shape[1])[:, None] * 10000.0 ** (-np.arange(half) / half)
        first, second = x[..., :half], x[..., half:]
        return np.concatenate([first * np.cos(angle) - second * np.sin(angle),
                               second * np.cos(angle) + first * np.sin(angle)], axis=-1)  # fmt: skip

    def heads(self, x):
        x, n = self.norm("input_layernorm", x), len(x)
        width = self.w["self_attn.q_proj.weight"].shape[0] // self.n_heads
        names = ("q_proj", "k_proj", "v_proj")
        q, k, v = (self.linear(f"self_attn.{name}", x).reshape(n, -1, width).swapaxes(0, 1) for name in names)
        group = [h * len(k) // self.n_heads for h in range(self.n_heads)]  # the key-value head of each head
        logits = self.rotated(q) @ self.rotated(k)[group].swapaxes(1, 2) / np.sqrt(width)
        return softmax(np.where(np.tri(n, dtype=bool), logits, -np.inf)), v[group]

    def given(self, x):
        weights, values = self.heads(x)
        output = np.split(self.w["self_attn.o_proj.weight"].T, self.n_heads)
        return sum(weights[h][:, :, None] * (values[h] @ output[h])[None] for h in range(self.n_heads))

    def after(self, x, total):
        inner = self.norm("post_attention_layernorm", total)
        gate = self.linear("mlp.gate_proj", inner)
        return total + self.linear("mlp.down_proj", gate / (1 + np.exp(-gate)) * self.linear("mlp.up_proj", inner))

    def transformed(self, x):
        vectors = self.given(x)
        total = vectors.sum(axis=1) + x + self.w.get("self_attn.o_proj.bias", 0)
        vectors[np.arange(len(x)), np.arange(len(x))] += x
        return vectors, total, total


def by_formula(encoder, ids):
    """Return, a layer: attention, norm-weighted (bare, full), ALTI, value zeroing, and the layer's output."""
    model = encoder.model
    is_bert = hasattr(model, "encoder")
    layers = model.encoder.layer if is_bert else model.layers
    kind = BertFormula if is_bert else LlamaFormula
    x, found = first_input(model, ids), []
    for layer in layers:
        one = kind(layer, model.config.num_attention_heads)
        given, (vectors, state, total) = one.given(x), one.transformed(x)
        after = one.after(x, total)
        n = len(x)
        alti, zeroing = np.zeros((n, n)), np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                alti[i, j] = max(0, np.abs(state[i]).sum() - np.abs(state[i] - vectors[i, j]).sum())
                without = one.after(x[i], total[i] - given[i, j])
                lengths = np.linalg.norm(without) * np.linalg.norm(after[i])
                zeroing[i, j] = 1 - without @ after[i] / lengths
        found.append({
            "attention": one.heads(x)[0], "bare": np.linalg.norm(given, axis=-1),
            "norm-weighted": np.linalg.norm(vectors, axis=-1), "ALTI": alti / alti.sum(axis=1, keepdims=True),
            "value zeroing": zeroing, "output": after,
        })  # fmt: skip
        x = after
    return found


def first_input(model, ids):
    table = model.get_input_embeddings().weight.detach().numpy()[ids]
    if not hasattr(model, "embeddings"):
        return table
    below = model.embeddings
    position = below.position_embeddings.weight.detach().numpy()[: len(ids)]
    x = table + position + below.token_type_embeddings.weight.detach().numpy()[0]
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    return centred / spread * below.LayerNorm.weight.detach().numpy() + below.LayerNorm.bias.detach().numpy()
