"""Family x entry point: each works, or is refused in one sentence; never another exception, never silently wrong."""

from __future__ import annotations

import families
import pytest

from explaint_lib import encoders
from explaint_lib._common import ExplaintError


@pytest.mark.parametrize("name", list(families.FAMILIES))
def test_each_entry_point_works_or_says_why_not(name, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLAINT_CACHE", str(tmp_path / "cache"))
    folder = families.save(name, tmp_path / name)
    if name in families.REFUSED:
        with pytest.raises(ExplaintError, match=families.REFUSED[name]):
            encoders.load_encoder(str(folder))
        return
    encoder = encoders.load_encoder(str(folder))
    found = dict(families.tried(encoder))
    assert all(found[entry] == "yes" for entry in families.ALWAYS), found
    if encoder.measured.no_attention is None:
        assert all(found[entry] == "yes" for entry in families.WITH_ATTENTION), found
    else:
        assert all("no attention to read" in found[entry] for entry in families.WITH_ATTENTION), found
    assert not [said for said in found.values() if "\n" in said or len(said) > 600]
