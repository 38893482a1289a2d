"""The contract at the door: what a model must be before it serves, as a list of checks.

What it controls for: every check is a measurement or a comparison of files, each says in one sentence what was
expected, what was found and what to do, and all that fail are said at once. What it does NOT license: a model that
passes is read as the transformers library reads it; that is no statement about what it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from explaint_lib._common import ExplaintError
from explaint_lib.encoders import _folder, _heads, _load
from explaint_lib.encoders._find import Source
from explaint_lib.encoders._measure import Measured, measure
from explaint_lib.encoders._twins import Drawn, Twin, permute_weights
from explaint_lib.encoders._wheels import MODELS

Result = Literal["yes", "limited", "refused"]
_BUFFERS = ("inv_freq", "masked_bias", "position_ids")  # computed, not learnt; old files hold them
_MASKS = (
    "bias",
    "causal_mask",
)  # so too, of an attention that has no weights of its own: GPT-Neo's, GPT-J's, CodeGen's


@dataclass
class Candidate:
    """A model on its way in; checks fill in what they load and measure."""

    name: str
    source: Source
    device: str
    twin: Twin | None = None  # None: the model itself
    seed: int | None = None  # of a twin
    tokenizer: Any = None
    model: Any = None
    said: dict[str, Any] | None = None  # by transformers, of the weights
    measured: Measured | None = None
    initialisation: dict[str, Drawn] = field(default_factory=dict)
    predicts: Literal["next token", "masked token"] | None = None
    no_head: str | None = None  # why it predicts neither


class Limited(str):
    """What a check says of a model that serves with a limit."""

    __slots__ = ()


@dataclass(frozen=True)
class Finding:
    """One row of ``explaint models check``."""

    check: str
    result: Result
    said: str


@dataclass(frozen=True)
class Check:
    """One clause: a function that returns a sentence, or raises an `ExplaintError`.

    Attributes
    ----------
    title : str
    of : callable
        Candidate to a sentence.
    needs : tuple of str
        Titles of checks without which this one cannot be made.
    kind : {"any", "folder", "folder weights", "weights"}
        Made for every model, for one in a folder (not a GGUF file), for one whose weights are read.
    """

    title: str
    of: Callable[[Any], str]
    needs: tuple[str, ...] = ()
    kind: Literal["any", "folder", "folder weights", "weights"] = "any"

    def concerns(self, candidate: Any) -> bool:
        """Tell whether this check is made for a model of this kind."""
        if self.kind == "any":
            return True
        wrong_place = self.kind.startswith("folder") and candidate.source.gguf is not None
        return not (wrong_place or (self.kind.endswith("weights") and candidate.twin == "initialised"))


def examine(candidate: Any, checks: Sequence[Check]) -> list[Finding]:
    """Make the checks in their order; one that needs a check that failed is left out.

    Parameters
    ----------
    candidate : object
        What the checks are of.
    checks : sequence of Check

    Returns
    -------
    list of Finding
        One a check that was made.

    Examples
    --------
    >>> from explaint_lib.encoders import Check, Limited, examine
    >>> length = Check("length", lambda text: Limited("short") if len(text) < 9 else "long enough")
    >>> examine("robin", [length])
    [Finding(check='length', result='limited', said='short')]
    """
    findings: list[Finding] = []
    passed: set[str] = set()
    for check in checks:
        if not check.concerns(candidate):
            passed.add(check.title)
        elif passed.issuperset(check.needs):
            try:
                said = check.of(candidate)
            except ExplaintError as fault:
                findings.append(Finding(check.title, "refused", str(fault)))
                continue
            findings.append(Finding(check.title, "limited" if isinstance(said, Limited) else "yes", said))
            passed.add(check.title)
    return findings


def refuse(name: str, findings: Sequence[Finding]) -> None:
    """Raise one error that holds every refusal.

    Raises
    ------
    ExplaintError
        If there is a refusal.
    """
    faults = list(dict.fromkeys(finding.said for finding in findings if finding.result == "refused"))
    if len(faults) == 1:
        raise ExplaintError(f"cannot use {name}: {faults[0]}")
    if faults:
        raise ExplaintError(
            f"cannot use {name}, for {len(faults)} reasons:" + "".join(f"\n- {said}" for said in faults)
        )


def check_files(name: str, source: Source, twin: Twin | None) -> None:
    """Make the checks that read no weights.

    Raises
    ------
    ExplaintError
        Naming all that fail.
    """
    checks = [check for check in CHECKS if check.kind.startswith("folder")]
    refuse(name, examine(Candidate(name, source, "cpu", twin), checks))


# --- the clauses ------------------------------------------------------------------------------------------


def _configuration(candidate: Candidate) -> str:
    return f"config.json of a {_folder.configuration(candidate.source.folder)['model_type']} model"


def _tokenizer(candidate: Candidate) -> str:
    candidate.tokenizer = _load.load_tokenizer(candidate.source)
    plain = len(candidate.tokenizer) - len(set(candidate.tokenizer.all_special_ids))
    if plain < 1:
        raise ExplaintError(
            f"the tokenizer in {candidate.source.folder} holds {len(candidate.tokenizer)} entries, all of them special "
            "ones; expected a vocabulary. Save the model's own tokenizer beside it"
        )
    return f"{type(candidate.tokenizer).__name__} with {len(candidate.tokenizer)} entries"


def _model(candidate: Candidate) -> str:
    if candidate.twin == "initialised":
        candidate.model = _load.untrained_model(candidate.source, candidate.seed or 0)
    else:
        candidate.model, candidate.said = _load.trained_model(candidate.source)
    if candidate.twin == "permuted_weights":
        permute_weights(candidate.model, candidate.seed or 0)
    candidate.model = candidate.model.to(candidate.device).eval()
    return f"{type(candidate.model).__name__}, float32"


def _initialisation(candidate: Candidate) -> str:
    candidate.initialisation = found = _load.initialisation(candidate.source)
    listed = ", ".join(f"{name} {one['value']:.4g}" for name, one in found.items())
    if forgotten := [name for name, one in found.items() if one["said_by"] == "architecture"]:
        return Limited(
            f"its file does not say {', '.join(forgotten)}; an untrained twin is drawn as its architecture draws "
            f"by default ({listed}), which may not be how this model was"
        )
    return f"an untrained twin is drawn with {listed}" if found else "drawn as the architecture draws, with no setting"


def _filled(candidate: Candidate) -> str:
    return _load.check_filled(candidate.source, candidate.model, candidate.said or {})


def _all_used(candidate: Candidate) -> str:
    unread = sorted((candidate.said or {})["unexpected_keys"])
    lost = [key for key in unread if _inside_a_layer(candidate.model, key)]
    if lost:
        raise ExplaintError(
            f"{len(lost)} tensors in {candidate.source.folder} are parts of layers that config.json does not ask for "
            f"({', '.join(lost[:3])} ...), so the model would be another one than was trained; copy the configuration "
            "that belongs to these weights"
        )
    return f"but for a head above the states ({', '.join(unread[:2])} ...)" if unread else "all"


def _inside_a_layer(model: Any, key: str) -> bool:
    """Tell whether a tensor that was not used belongs to the stack of layers, and not to a head above it."""
    from torch.nn import Module, ModuleList

    parts = key.removeprefix(f"{model.base_model_prefix}.").split(".")
    module, inside = model, False
    for depth, part in enumerate(parts[:-1]):
        inside |= depth > 0 and isinstance(module, ModuleList)
        module = getattr(module, part, None)
    mask = parts[-1] in _MASKS and isinstance(module, Module) and not list(module.parameters(recurse=False))
    return inside and parts[-1] not in _BUFFERS and not mask


def _finite(candidate: Candidate) -> str:
    import torch

    if candidate.name in MODELS:
        return "pinned by their hash"
    wrong = [name for name, weights in candidate.model.named_parameters() if not torch.isfinite(weights.sum())]
    wrong = [name for name in wrong if not torch.isfinite(candidate.model.get_parameter(name)).all()]
    if wrong:
        raise ExplaintError(
            f"{len(wrong)} tensors in {candidate.source.folder} hold numbers that are not finite ("
            f"{', '.join(wrong[:3])}); the file is damaged or its training diverged, take another checkpoint"
        )
    return "all finite"


def _vocabulary(candidate: Candidate) -> str:
    try:
        rows = candidate.model.get_input_embeddings().weight.shape[0]
    except (AttributeError, NotImplementedError) as fault:  # patches of an image, hashed letters, two towers
        raise ExplaintError(
            f"a {type(candidate.model).__name__} has no table with one vector for each token; expected a text model. "
            "Of a model of texts and images save the text model alone"
        ) from fault
    entries = len(candidate.tokenizer)
    beyond = set(range(rows, entries))
    if beyond and beyond.issubset(candidate.tokenizer.all_special_ids):
        return Limited(
            f"{len(beyond)} special tokens, such as one for padding, have no vector; no text is read with them"
        )
    if beyond:
        raise ExplaintError(
            f"the tokenizer has {entries} entries and the model {rows} embedding rows, so tokens from {rows} on have "
            "no vector: they do not belong together. Save the model's own tokenizer beside it, or resize the embeddings"
        )
    return f"{entries} entries, {rows} embedding rows"


def _states(candidate: Candidate) -> str:
    candidate.measured = found = measure(
        candidate.model, candidate.tokenizer, candidate.device, proven=candidate.name in MODELS
    )
    return f"{found.n_layers} layers of width {found.dim}"


def _found(candidate: Candidate) -> Measured:
    assert candidate.measured is not None
    return candidate.measured


def _direction(candidate: Candidate) -> str:
    ahead = _found(candidate).family == "encoder"
    return (
        "a later token changes earlier states: an encoder" if ahead else "no state depends on later tokens: a decoder"
    )


def _padding(candidate: Candidate) -> str:
    if _found(candidate).pads:
        return "the states of a text do not depend on its batch"
    return Limited("padding changes its states, so only texts of one length are run together")


def _attention(candidate: Candidate) -> str:
    found = _found(candidate)
    if found.no_attention:
        return Limited(f"{found.no_attention}, so it serves word vectors and states, and nothing that reads attention")
    if found.to_sink:
        return Limited(
            f"{100 * found.to_sink:.0f} % of its attention goes to a sink that is no token: rows sum to less"
        )
    return f"one (n, n) map for each of {found.n_layers} layers x {found.n_heads} heads; rows sum to 1"


def _predicts(candidate: Candidate) -> str:
    unread = None if candidate.said is None else sorted(candidate.said["unexpected_keys"])
    family = _found(candidate).family
    candidate.no_head = _heads.lacking(candidate.source, candidate.model, family, unread)
    if candidate.no_head:
        return f"no tokens, states alone: {candidate.no_head}"
    candidate.predicts = "next token" if family == "decoder" else "masked token"
    return f"a {candidate.predicts} at each position, by the head of the {type(candidate.model).__name__}"


#: What `load_encoder` asks of every model.
CHECKS = (
    Check("configuration", _configuration, kind="folder"),
    Check("tokenizer files", lambda it: _folder.check_tokenizer_files(it.source.folder), kind="folder"),
    Check("weight files", lambda it: _folder.check_weight_files(it.source.folder), kind="folder weights"),
    Check("adapters", lambda it: _folder.check_adapters(it.source.folder), kind="folder weights"),
    Check("tokenizer", _tokenizer, ("configuration", "tokenizer files")),
    Check("model", _model, ("configuration", "weight files", "adapters")),
    Check("untrained twin", _initialisation, ("model",)),
    Check("weights complete", _filled, ("model",), "weights"),
    Check("weights used", _all_used, ("model",), "weights"),
    Check("weights finite", _finite, ("weights complete",), "weights"),
    Check("vocabulary", _vocabulary, ("tokenizer", "model")),
    Check("states", _states, ("vocabulary", "weights complete", "weights finite")),
    Check("direction", _direction, ("states",)),
    Check("batches", _padding, ("states",)),
    Check("attention", _attention, ("states",)),
    Check("predicts", _predicts, ("states",)),
)
