"""Output heads: from the top states of a model to what it predicts, by the transformers library's own head.

The library's class for a whole model (``LlamaForCausalLM``, ``AlbertForMaskedLM``) is loaded, and the model inside it
is replaced by one that hands out given states. So normalisation, scaling, caps and biases of a head are the library's,
and a head reads any states, those after an intervention too. What it controls for: no weight of a trained head is
random, and reading the top states gives what the whole model gives, which is tried when the head is loaded. What it
does NOT license: for a masked-token head, a distribution at a token that was not masked is no prediction of it.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError
from explaint_lib.encoders import _load
from explaint_lib.encoders._find import Source
from explaint_lib.encoders._twins import Twin, permute_weights

_LEAK = 1e-4  # relative; the two ways to the same logits differ by rounding alone


def head_class(config: Any, family: str) -> Any:
    """Return the library's class of a whole model with the head that a family has, or None."""
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

    auto = AutoModelForCausalLM if family == "decoder" else AutoModelForMaskedLM
    return auto if type(config) in auto._model_mapping else None


def lacking(source: Source, model: Any, family: str, unread: list[str] | None) -> str | None:
    """Return why a model predicts no tokens, or None; from its configuration and the names of its tensors.

    Parameters
    ----------
    source : Source
    model : torch.nn.Module
        Without its head.
    family : {"encoder", "decoder"}
    unread : list of str or None
        Tensors in the file that the model without its head has no place for; None for a twin that is drawn.
    """
    import torch

    config = _load.configuration(source)
    auto = head_class(config, family)
    if auto is None:
        return f"the transformers library knows no head that predicts tokens for a {type(model).__name__} ({family})"
    config.__dict__.pop("quantization_config", None)
    with torch.device("meta"), _load.quiet():
        whole = auto.from_config(config, trust_remote_code=False)
    prefix = f"{whole.base_model_prefix}."
    if type(getattr(whole, whole.base_model_prefix, None)) is not type(model):
        return f"the model inside a {type(whole).__name__} is no {type(model).__name__}"
    if unread is None:
        return None
    tied = whole.all_tied_weights_keys  # (where it is used, where it is from)
    there = set(unread)
    there |= {source for target, source in tied.items() if target in there}  # a file holds one name of the two
    own = [name for name, _ in whole.named_parameters() if not name.startswith(prefix) and name not in tied]
    missing = [name for name in own if name not in there]
    if missing and unread:  # an old file may call them by other names, which the library knows when it loads them
        missing = sorted(_load.trained_model(source, auto)[1]["missing_keys"])
    return f"its file holds no weights of a head (a {type(whole).__name__} needs {missing[0]})" if missing else None


class Head:
    """Top states to logits, by the library's own head. Built by `Encoder.head`."""

    def __init__(
        self, source: Source, model: Any, family: str, twin: Twin | None, seed: int, probe: np.ndarray
    ) -> None:
        import torch

        auto = head_class(_load.configuration(source), family)
        whole = (
            _load.untrained_model(source, seed, auto)
            if twin == "initialised"
            else self._filled(source, *_load.trained_model(source, auto))
        )
        device, place = next(model.parameters()).device, whole.base_model_prefix
        self._whole, self._given = whole.to(device).eval(), given_states()
        ids = torch.from_numpy(probe[None]).to(device)
        with torch.no_grad():  # the model that it came with: on the other somebody's hooks may hang
            out = whole(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True)
            setattr(whole, place, self._given)
            alone = self(out.hidden_states[-1])
        if alone.shape != out.logits.shape or (alone - out.logits).norm() > _LEAK * out.logits.norm():
            raise ExplaintError(
                f"the head of a {type(whole).__name__} reads more than the top states, so it cannot be used by itself; "
                "use another model, such as smollm2"
            )
        setattr(whole, place, model)
        whole.tie_weights(recompute_mapping=False)  # to the embeddings of the model that is run
        if twin == "permuted_weights":
            permute_weights(whole, seed, but=model)
        setattr(whole, place, self._given)

    @staticmethod
    def _filled(source: Source, whole: Any, info: dict[str, Any]) -> Any:
        _load.check_filled(source, whole, info)
        return whole

    def __call__(self, states: Any) -> Any:
        """Return logits (batch, n, vocabulary) of top states (batch, n, dim); torch tensors, gradients flow."""
        import torch

        self._given.states = states
        ids = torch.zeros(states.shape[:2], dtype=torch.int64, device=states.device)
        try:
            return self._whole(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        except Exception as fault:  # what a head asks of the model below it that states do not answer
            said = " ".join(str(fault).split())[:200]
            raise ExplaintError(
                f"the head of a {type(self._whole).__name__} cannot be run on states alone ({type(fault).__name__}: "
                f"{said}); use another model, such as smollm2"
            ) from fault
        finally:
            self._given.states = None


def given_states() -> Any:
    """Return a module that stands in the place of a model and puts out the states it holds."""
    import torch
    from transformers.modeling_outputs import MoeModelOutputWithPast

    class Output(MoeModelOutputWithPast):
        def __getattr__(self, name: str) -> None:
            if re.match("__", name):
                raise AttributeError(name)

    class Given(torch.nn.Module):
        states: Any = None

        @property
        def decoder(self) -> Any:  # the name of OPT's model inside its model
            return self

        def forward(self, *_: Any, **__: Any) -> Any:
            return Output(last_hidden_state=self.states)

    return Given()
