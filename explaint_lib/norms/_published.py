"""Recognise the published files by their columns, never by their names: one record a layout.

To teach the library another one, add a record here, and its reader in `_production` or `_ratings` if none fits. Where
the header was written from memory, the record says so: compare it with the file when you have it.

What it controls for: a file read by the rules of another. What it does not license: that a file with these columns is
the published one, whole and unchanged; compare the size that is printed with the article's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from explaint_lib.norms import _production, _ratings
from explaint_lib.norms._checks import Table, key
from explaint_lib.norms._core import NO_SOURCE, FeatureNorms


class Layout(NamedTuple):
    """A published file: its label, the plain names of columns that give it away, and its reader.

    `sizes`, where it is given, are the numbers of columns the file may have besides `columns` and "word".
    """

    label: str
    columns: tuple[str, ...]
    read: Callable[[Table], FeatureNorms]
    sizes: tuple[int, ...] = ()

    def fits(self, names: set[str]) -> bool:
        """Tell whether a file with these plain names of columns has this layout."""
        others = len(names - set(self.columns) - {"word"})
        return names.issuperset(self.columns) and (not self.sizes or others in self.sizes)


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "McRae et al. 2005 production norms", ("concept", "feature", "br_label", "prod_freq"), _production.read_mcrae
    ),
    Layout(
        "Buchanan et al. 2019 production norms",
        ("cue", "translated", "normalized_translated"),
        _production.read_buchanan,
    ),
    # norms.dat, separated by tabs; "feature type" and "domain" are of the feature and of the concept
    Layout(
        "CSLB 2014 property norms (Devereux et al.)",
        ("concept", "feature", "pf", "feature_type"),
        _production.read_pairs(
            word="concept",
            feature="feature",
            value="pf",
            type="feature_type",
            category="domain",
            source=_production.CSLB,
        ),
    ),
    # tables in the manner of THINGS and its followers; no one release is meant
    *(
        Layout(
            "production norms (concept, feature, production frequency)",
            (word, "feature", value),
            _production.read_pairs(
                word=word,
                feature="feature",
                value=value,
                type="feature_type",
                category="category",
                source=NO_SOURCE,
            ),
        )
        for word in ("concept", "uniqueid", "word")
        for value in ("production_frequency", "prod_freq", "pf")
    ),
    Layout("Binder et al. 2016 ratings", ("word", "vision", "bright", "biomotion", "arousal"), _ratings.read_binder),
    Layout("Warriner et al. 2013 ratings", ("word", "v_mean_sum", "a_mean_sum"), _ratings.read_warriner),
    Layout("Brysbaert et al. 2014 concreteness ratings", ("word", "conc_m", "conc_sd"), _ratings.read_brysbaert),
    Layout(
        "Lancaster sensorimotor norms (Lynott et al. 2020)",
        ("word", "auditory_mean", "foot_leg_mean"),
        _ratings.read_lancaster,
    ),
    Layout("Glasgow norms (Scott et al. 2019)", ("words", "arou_m", "imag_m", "gend_m"), _ratings.read_glasgow),
    Layout(
        "THINGSplus property ratings (Stoinski et al. 2024)",
        ("uniqueid", "property_manmade_mean"),
        _ratings.read_thingsplus,
    ),
    # from memory: the release has the numbers and the names in two files
    Layout("THINGS object dimensions (Hebart et al. 2020)", ("uniqueid",), _ratings.read_things, sizes=(49, 66)),
)


def recognise(columns: Sequence[str]) -> Layout | None:
    """Return the published layout these column names belong to, None for any other table."""
    names = {key(column) for column in columns}
    return next((layout for layout in LAYOUTS if layout.fits(names)), None)
