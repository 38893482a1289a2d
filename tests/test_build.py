"""The publishing pipeline on a small book of its own: what must stop it, what must make it run a chapter again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
import yaml
from build import build_book, main, plan
from chapters import run_all
from conftest import ROOT
from keys import content_key, surroundings
from pages import add_to_toc, as_variant, publish, scan, stage
from parameters import BookError, Run, apply_overrides, check_parameters, read_profile
from samples import chapter, code

PROFILES = {"quick": {"parameters": {"99_sample": {"n_words": 20}}}, "full": {"parameters": {}, "variants": {}}}


def write_book(root: Path, notebook: nbformat.NotebookNode | None = None) -> Path:
    """Lay out a book of one chapter under `root` with the real configuration, library and extension."""
    (root / "notebooks").mkdir()
    (root / "book").mkdir()
    nbformat.write(notebook or chapter(), root / "notebooks" / "99_sample.ipynb")
    for name in ("_ext", "assets"):
        shutil.copytree(ROOT / "book" / name, root / "book" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_config.yml", "constraints.txt", "pyproject.toml", "book/references.bib"):
        shutil.copyfile(ROOT / name, root / name)
    (root / "explaint_lib").mkdir()
    (root / "explaint_lib" / "metrics.py").write_text("def score(): return 1\n", "utf8")
    (root / "book" / "profiles.yml").write_text(yaml.safe_dump(PROFILES), "utf8")
    (root / "book" / "index.md").write_text("# A small book\n\n$x^2$\n\n```{bibliography}\n```\n", "utf8")
    toc = {"format": "jb-book", "root": "book/index"}
    toc["parts"] = [{"caption": "Chapters", "chapters": [{"file": "notebooks/99_sample"}]}]
    (root / "_toc.yml").write_text(yaml.safe_dump(toc), "utf8")
    return root


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return write_book(tmp_path)


def sample(book: Path) -> Path:
    return book / "notebooks" / "99_sample.ipynb"


# -- parameters --------------------------------------------------------------------------------------------------------


def test_a_misspelt_parameter_is_rejected_with_the_known_ones(book: Path):
    with pytest.raises(BookError, match="no parameter n_permutation; it has: n_words, n_permutations, seed"):
        check_parameters(sample(book), {"n_permutation": 9})


WRONG_VALUES = [("many", "str"), (1.5, "float"), (True, "bool"), ([1], "list"), (None, "None")]


@pytest.mark.parametrize(("value", "named"), WRONG_VALUES)
def test_a_value_of_another_type_is_rejected(book: Path, value: object, named: str):
    with pytest.raises(BookError, match=f"n_words takes int .*not {named}"):
        check_parameters(sample(book), {"n_words": value})


def test_types_follow_the_annotation(tmp_path: Path):
    lines = "rate: float = 0.5  # a rate\nrevision: str | None = None  # a revision\nlayers: list[int] = [1]  # layers"
    notebook = nbformat.v4.new_notebook(cells=[code(lines, "parameters")])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, tmp_path / "n.ipynb")
    given = {"rate": 1, "revision": "main", "layers": [1, 2]}
    assert check_parameters(tmp_path / "n.ipynb", given) == given
    assert check_parameters(tmp_path / "n.ipynb", {"rate": "1e-4"}) == {"rate": 1e-4}  # text in YAML 1.1
    assert check_parameters(tmp_path / "n.ipynb", {"revision": None}) == {"revision": None}
    with pytest.raises(BookError, match="str or NoneType"):
        check_parameters(tmp_path / "n.ipynb", {"revision": 3})


def test_overrides_reach_the_chapters_that_have_them(book: Path):
    other = book / "notebooks" / "98_other.ipynb"
    shutil.copyfile(sample(book), other)
    chapters = [other, sample(book)]
    everywhere = apply_overrides([("n_words", "30")], chapters, {"99_sample": {"seed": 4}})
    assert everywhere == {"98_other": {"n_words": 30}, "99_sample": {"seed": 4, "n_words": 30}}
    assert apply_overrides([("99.n_words", "30")], chapters, {})["98_other"] == {}
    with pytest.raises(BookError, match="no chapter has the parameter n_word;"):
        apply_overrides([("n_word", "30")], chapters, {})
    with pytest.raises(BookError, match="'97' names 0 chapters"):
        apply_overrides([("97.n_words", "30")], chapters, {})
    with pytest.raises(BookError, match="'9' names 2 chapters"):
        apply_overrides([("9.n_words", "30")], chapters, {})


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"parameters": {"99_sample": {"n_wrods": 3}}}, "no parameter n_wrods"),
        ({"parameters": {"98_gone": {"n_words": 3}}}, "98_gone, which is not in notebooks"),
        ({"variants": {"99_sample": {"on_x": {"norm_name": "x"}}}}, "no parameter norm_name"),
    ],
)
def test_a_profile_is_checked_against_the_chapters(book: Path, profile: dict, message: str):
    file = book / "book" / "profiles.yml"
    file.write_text(yaml.safe_dump({"quick": profile}), "utf8")
    with pytest.raises(BookError, match=message):
        read_profile(file, "quick", [sample(book)])
    with pytest.raises(BookError, match="no profile 'fast'"):
        read_profile(file, "fast", [sample(book)])


def test_the_profiles_of_the_book_fit_its_chapters():
    for profile in ("quick", "full"):
        assert {run.source.stem for run in plan(ROOT, profile, [])} == {
            path.stem for path in (ROOT / "notebooks").glob("*.ipynb")
        }


def test_the_command_line_refuses_with_a_message(capsys: pytest.CaptureFixture[str]):
    assert main(["-p", "n_nonsense", "3"]) == 2
    assert "no chapter has the parameter n_nonsense" in capsys.readouterr().err
    assert main(["--jobs", "0"]) == 2
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0 and "examples:" in capsys.readouterr().out


# -- the key of a result ---------------------------------------------------------------------------------------------


def test_the_key_changes_with_what_the_numbers_depend_on(book: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    data = tmp_path / "installed"
    data.mkdir()
    monkeypatch.setenv("EXPLAINT_DATA", str(data))

    def key(**parameters: object) -> str:
        return content_key(Run(sample(book), "99_sample", parameters), surroundings(book))

    first = key()
    assert first == key() and first != key(seed=1)
    seen = {first}
    for path, text in {
        book / "explaint_lib" / "metrics.py": "def score(): return 2\n",
        book / "explaint_lib" / "words.csv": "word\nrobin\n",
        book / "constraints.txt": "numpy==2.0.0\n",
        data / "mcrae.csv": "word,feature,value\n",
    }.items():
        path.write_text(text, "utf8")
        seen.add(key())
    notebook = chapter()
    notebook.cells[7].source += "  # another line"
    nbformat.write(notebook, sample(book))
    seen.add(key())
    assert len(seen) == 6
    (book / "explaint_lib" / "metrics.cpython-311.pyc").write_bytes(b"compiled")
    assert key() in seen


# -- running -----------------------------------------------------------------------------------------------------------


@pytest.mark.book
def test_a_chapter_runs_once_and_again_only_when_something_changed(book: Path, capsys: pytest.CaptureFixture[str]):
    runs, folder = [Run(sample(book), "99_sample", {"n_words": 20})], book / "_build"
    assert run_all(runs, folder, jobs=1, root=book) == []
    result = nbformat.read(folder / "99_sample.ipynb", as_version=4)
    assert any("injected-parameters" in cell.metadata.get("tags", []) for cell in result.cells)
    assert "99_sample: ran in" in capsys.readouterr().out
    before = (folder / "99_sample.ipynb").stat().st_mtime_ns
    assert run_all(runs, folder, jobs=1, root=book) == []
    assert "unchanged, kept" in capsys.readouterr().out
    assert (folder / "99_sample.ipynb").stat().st_mtime_ns == before
    assert run_all([Run(sample(book), "99_sample", {"n_words": 22})], folder, jobs=1, root=book) == []
    assert (folder / "99_sample.ipynb").stat().st_mtime_ns != before
    assert not list(folder.glob(".running-*"))


@pytest.mark.book
def test_a_failing_cell_stops_the_build_and_keeps_the_old_result(tmp_path: Path):
    notebook = chapter()
    notebook.cells.insert(8, code("sample.reshape(7, -1, 11)  # cannot be"))
    book = write_book(tmp_path, notebook)
    old = book / "_build" / "chapters" / "quick" / "99_sample.ipynb"
    old.parent.mkdir(parents=True)
    old.write_text('{"metadata": {"explaint_key": "old"}}', "utf8")
    with pytest.raises(BookError) as failure:
        build_book(root=book, models=())
    message = str(failure.value)
    assert "99_sample: code cell 4 (sample.reshape(7, -1, 11)  # cannot be) failed" in message
    assert "ValueError: cannot reshape" in message
    assert json.loads(old.read_text("utf8"))["metadata"]["explaint_key"] == "old"
    assert not (book / "_build" / "html").exists() and not list(old.parent.glob(".running-*"))


@pytest.mark.book
def test_a_cell_that_is_meant_to_fail_does_not_stop_the_build(book: Path):
    notebook = chapter()
    notebook.cells.insert(8, code("1 / 0", "raises-exception"))
    nbformat.write(notebook, sample(book))
    assert run_all([Run(sample(book), "99_sample")], book / "_build", jobs=1, root=book) == []


# -- pages -------------------------------------------------------------------------------------------------------------


def test_staging_mirrors_the_tree_and_adds_the_variants(book: Path):
    runs = [Run(sample(book), "99_sample"), Run(sample(book), "99_sample_on_small", {"n_words": 10})]
    stage(book / "staging", book / "nothing-was-run", runs, book)
    staged = {str(path.relative_to(book / "staging")) for path in (book / "staging").rglob("*") if path.is_file()}
    assert {"_config.yml", "_toc.yml", "book/index.md", "book/_ext/offline_book.py"} <= staged
    assert {"notebooks/99_sample.ipynb", "notebooks/99_sample_on_small.ipynb"} <= staged
    toc = yaml.safe_load((book / "staging" / "_toc.yml").read_text("utf8"))
    assert toc["parts"][0]["chapters"] == [
        {"file": "notebooks/99_sample", "sections": [{"file": "notebooks/99_sample_on_small"}]}
    ]
    assert (book / "_toc.yml").read_text("utf8").count("on_small") == 0
    with pytest.raises(BookError, match="does not list notebooks/98_new"):
        add_to_toc(toc, "notebooks/98_new", "notebooks/98_new_on_small")


def test_a_variant_page_repeats_no_label_and_no_exercise():
    page = as_variant(chapter(), "99_sample", {"norms_name": "mcrae"})
    text = "\n".join(cell.source for cell in page.cells)
    assert "# A mean that differs is not a difference (McRae)" in text
    assert "[the chapter](99_sample.ipynb)" in text and "`norms_name: mcrae`" in text
    for gone in ("exercise-start", "solution-start", "np.median", "(difference-99)"):
        assert gone not in text
    assert "## Summary" in text and "## What survives" in text


def test_a_variant_page_loses_its_exercises_wherever_cells_begin():
    whole = chapter()
    whole.cells = [
        nbformat.v4.new_markdown_cell(
            "# Title\n\n## What survives\n\nkept\n\n## Exercises\n\n````{exercise-start} One"
        ),
        nbformat.v4.new_code_cell("gone = 1"),
        nbformat.v4.new_markdown_cell("````{solution-end}\n````\n\n## Summary\n\nkept too"),
        nbformat.v4.new_code_cell("kept = 2"),
    ]
    text = "\n".join(cell.source for cell in as_variant(whole, "99_sample", {"norms_name": "mcrae"}).cells)
    assert "exercise" not in text.replace("exercises are there", "") and "solution-end" not in text
    assert "gone" not in text and "kept = 2" in text and text.count("kept") == 3 and "## Summary" in text


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_chapter_leaves_half_an_exercise_on_its_variant_page(notebook):
    page = as_variant(nbformat.read(notebook, as_version=4), notebook.stem, {"norms_name": "mcrae"})
    text = "\n".join(cell.source for cell in page.cells if cell.cell_type == "markdown")
    assert "{exercise-" not in text and "{solution-" not in text
    assert "## What survives" in text and "## Summary" in text and "## Exercises" not in text


def test_publishing_replaces_the_old_book_as_a_whole(tmp_path: Path):
    for name in ("new", "html"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.html").write_text(name, "utf8")
    publish(tmp_path / "new", tmp_path / "html")
    assert [path.name for path in tmp_path.rglob("*")] == ["html", "new.html"]


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example.org/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example.org/x.css">',
        '<img alt="x" src="http://example.org/x.png">',
        '<script type="application/vnd.jupyter.widget-view+json">{}</script>',
    ],
)
def test_a_page_that_reaches_out_is_caught(tmp_path: Path, html: str):
    (tmp_path / "page.html").write_text(html, "utf8")
    assert len(scan(tmp_path)) == 1


def test_a_style_sheet_that_reaches_out_is_caught(tmp_path: Path):
    (tmp_path / "a.css").write_text("@import 'https://x.org/a.css'; b { background: url(https://x.org/i.png) }", "utf8")
    assert len(scan(tmp_path)) == 2


def test_a_link_to_click_is_no_load(tmp_path: Path):
    (tmp_path / "page.html").write_text('<a href="https://example.org">x</a><img src="../a.png" alt="a">', "utf8")
    assert scan(tmp_path) == []


@pytest.mark.book
@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("See {ref}`nowhere`.", "undefined label"),
        ("{cite:t}`nobody1999`", "could not find bibtex key"),
        ("{func}`explaint_lib.metrics.nothing`", "reference target not found"),
    ],
    ids=["label", "citation", "function"],
)
def test_a_warning_of_sphinx_stops_the_build(book: Path, cell: str, message: str):
    (book / "book" / "index.md").write_text(f"# A small book\n\n{cell}\n\n```{{bibliography}}\n```\n", "utf8")
    (book / "notebooks" / "99_sample.ipynb").unlink()
    (book / "book" / "profiles.yml").write_text("quick: {}", "utf8")
    (book / "_toc.yml").write_text("format: jb-book\nroot: book/index\n", "utf8")
    with pytest.raises(BookError, match=message):
        build_book(root=book, models=())


@pytest.mark.book
def test_a_book_with_the_default_configuration_is_caught(book: Path):
    config = yaml.safe_load((book / "_config.yml").read_text("utf8"))
    extensions = config["sphinx"]["config"]["extensions"]
    extensions[extensions.index("offline_book")] = "sphinx.ext.mathjax"
    del config["sphinx"]["local_extensions"]["offline_book"], config["sphinx"]["config"]["html_math_renderer"]
    (book / "_config.yml").write_text(yaml.safe_dump(config), "utf8")
    (book / "notebooks" / "99_sample.ipynb").unlink()
    (book / "book" / "profiles.yml").write_text("quick: {}", "utf8")
    (book / "_toc.yml").write_text("format: jb-book\nroot: book/index\n", "utf8")
    with pytest.raises(BookError, match="loads https://cdn"):
        build_book(root=book, models=())
    assert not (book / "_build" / "html").exists()
