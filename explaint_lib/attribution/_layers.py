"""Where a model's layers are, found by watching it run, so that they can be run again one at a time.

A list of modules holds the layers if the first call takes the states of layer 0, and each call puts out what the next
one takes: the hidden states that the model itself reports. Nothing is recognised by name, a layer may be called
several times (ALBERT), and a model of which this does not hold is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from explaint_lib._common import ExplaintError

Hook = tuple[Any, str, Callable[..., Any]]
_ROUNDING = 1e-3  # relative; what a method leaves out would be far larger, float32 far smaller


@dataclass(frozen=True, eq=False)
class Layers:
    """The layers of a model, in the order in which they ran on one text.

    Attributes
    ----------
    modules : tuple of torch.nn.Module
        One a layer; the same several times where layers share their weights.
    calls : list of (args, kwargs)
        What each was given beside the states.
    states : (layer + 1, n, dim) tensor
        What each was given, and what the last one put out.
    top : (n, dim) tensor
        The top states as the model reports them.
    final : torch.nn.Module or None
        What follows the last layer: a normalisation, in most decoders.
    """

    modules: tuple[Any, ...]
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]]
    states: Any
    top: Any
    final: Any


@dataclass(frozen=True, eq=False)
class _Call:
    module: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    out: Any

    @property
    def states(self) -> Any:
        return self.args[0] if self.args else self.kwargs.get("hidden_states")

    @property
    def beside(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What a call is given besides the states, without a cache: that would hold the variant that ran before."""
        kwargs = {name: value for name, value in self.kwargs.items() if name != "hidden_states"}
        return self.args[1:], kwargs | ({"past_key_values": None} if "past_key_values" in kwargs else {})


def find_layers(model: Any, ids: np.ndarray) -> Layers:
    """Run a torch model on the ids of one text, (n,), and find its layers.

    Raises
    ------
    ExplaintError
        If no list of modules does what layers do.
    """
    import torch

    tokens = torch.from_numpy(ids[None].astype(np.int64)).to(model.get_input_embeddings().weight.device)
    lists = [tuple(module) for module in model.modules() if isinstance(module, torch.nn.ModuleList)]
    inside = {part for modules in lists for module in modules for part in module.modules()}
    heads = {module for modules in lists for module in modules}
    watched = [module for module in model.modules() if module in heads or module not in inside and module is not model]
    calls: list[_Call] = []

    def keep(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        calls.append(_Call(module, args, kwargs, states_of(out)))

    handles = [module.register_forward_hook(keep, with_kwargs=True) for module in watched]
    try:
        with torch.no_grad():
            out = model(
                input_ids=tokens,
                attention_mask=torch.ones_like(tokens),
                output_hidden_states=True,
                output_attentions=True,
                use_cache=False,
            )
    finally:
        for handle in handles:
            handle.remove()
    reported = out.hidden_states
    if not all(bool(states.isfinite().all()) for states in reported):
        raise ExplaintError(
            f"the states of {type(model).__name__} hold NaN or infinite values; its weights are damaged"
        )
    for modules in reversed(lists):  # the innermost first
        run = [call for call in calls if call.module in modules]
        if _are_layers(run, reported):
            states = torch.stack([*(call.states[0] for call in run), run[-1].out[0]])
            final = _final_module(calls[calls.index(run[-1]) + 1 :], run[-1].out, reported[-1])
            if final is not False:
                return Layers(
                    tuple(call.module for call in run), [call.beside for call in run], states, reported[-1][0], final
                )
    raise ExplaintError(
        f"{type(model).__name__} does more than run its layers one after the other: expected {len(reported) - 1} of "
        "them, each taking the states that the one before puts out; use another model, such as minilm or smollm2"
    )


def _are_layers(run: list[_Call], reported: Sequence[Any]) -> bool:
    """Tell whether calls turn each of the reported states into the next one."""
    if len(run) != len(reported) - 1 or not run:
        return False
    for call in run:  # a second stream of states, as Reformer has, would be missed
        args, kwargs = call.beside
        if any(getattr(given, "shape", None) == reported[0].shape for given in (*args, *kwargs.values())):
            return False
    takes = all(almost_equal(call.states, states) for call, states in zip(run, reported[:-1], strict=True))
    return takes and all(almost_equal(call.out, states) for call, states in zip(run[:-1], reported[1:-1], strict=True))


def _final_module(after: list[_Call], last: Any, top: Any) -> Any:
    """Return the module that turns the output of the last layer into the top states; False if none does."""
    if almost_equal(last, top):
        return None
    found = [call.module for call in after if almost_equal(call.states, last) and almost_equal(call.out, top)]
    return found[0] if found else False


def states_of(out: Any) -> Any:
    """Return the states in what a layer puts out."""
    return out[0] if isinstance(out, tuple) else out


def almost_equal(one: Any, other: Any) -> bool:
    """Tell whether two tensors are equal up to rounding."""
    if getattr(one, "shape", None) != getattr(other, "shape", ()):
        return False
    return bool((one - other).norm() <= _ROUNDING * other.norm())


@contextmanager
def hooked(hooks: Sequence[Hook]) -> Iterator[None]:
    """Hang hooks on modules for a while; they are taken off again whatever happens inside.

    Parameters
    ----------
    hooks : sequence of (module, kind, function)
        kind "output": ``function(output)``, "input": ``function(first argument)``. What is not None replaces the
        output, or the first argument.
    """
    handles: list[Any] = []
    try:
        for module, kind, function in hooks:
            if kind == "output":
                handles.append(module.register_forward_hook(lambda _m, _a, out, f=function: f(out)))
            else:
                handles.append(
                    module.register_forward_pre_hook(lambda _m, args, f=function: _with_first_changed(args, f))
                )
        yield
    finally:
        for handle in handles:
            handle.remove()


def _with_first_changed(args: tuple[Any, ...], function: Callable[..., Any]) -> tuple[Any, ...] | None:
    """Return the arguments of a module with the first one as `function` changes it; None if it returns None."""
    if not args:
        raise ExplaintError(
            "the layers of this model take their states by name, which this method does not know; use another model, "
            "such as minilm or smollm2"
        )
    changed = function(args[0])
    return None if changed is None else (changed, *args[1:])
