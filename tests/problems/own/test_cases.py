"""Files as people have them: each kind is read as it is meant, or one line says what to set."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from ablation import problems
from ablation.data import Array, Dataset
from ablation.errors import RequestError
from ablation.spec import Problem, trials_of
from tests.helpers import compose, parse_all
from tests.test_main import report, run

ROLES = ["problem.sequence=id", "problem.time=t", "problem.label=y"]
Rows = list[list[str]]


def rows() -> Rows:
    """30 sequences of 4 to 7 steps: a number, a category of two levels, two classes."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(30):
        total = 0.0
        for t in range(rng.integers(4, 8)):
            v = rng.normal()
            total += v
            made.append([f"p{i}", f"{t}", f"{v:.2f}", "ab"[v > 0], "yes" if total > 0 else "no"])
    return made


def write(path: Path, lines: Rows, separator: str = ",", encoding: str = "utf-8") -> Path:
    text = "\n".join(separator.join(line) for line in [["id", "t", "v", "k", "y"], *lines]) + "\n"
    path.write_bytes(text.encode(encoding))
    return path


def problem(path: Path, *keys: str, roles: Sequence[str] = ROLES) -> Problem:
    """What these keys, as on the command line, mean for the file."""
    values: dict[str, Any] = {"name": "file", "path": str(path)}
    for key in [*([] if path.suffix == ".npz" else roles), *keys]:
        parsed = OverridesParser.create().parse_override(key)
        values[parsed.key_or_group.removeprefix("problem.")] = parsed.value()
    return problems.settled(Problem.model_validate(values))


def load(path: Path, *keys: str) -> Dataset:
    found = problem(path, *keys)
    return problems.load(found, problems.longest(found), 10_000, 0)


def refused(path: Path, *keys: str, roles: Sequence[str] = ROLES) -> str:
    with pytest.raises(RequestError) as caught:
        problem(path, *keys, roles=roles)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def notes(path: Path, *keys: str) -> list[str]:
    return problems.remarks(problem(path, *keys))


def understood(path: Path, *keys: str) -> dict[str, str]:
    return dict(problems.understood(problem(path, *keys)))


def assert_same(one: Dataset, other: Dataset) -> None:
    for split in ("train", "test"):
        for name in ("x", "y", "scored", "present"):
            mine, theirs = (getattr(getattr(data, split), name) for data in (one, other))
            np.testing.assert_array_equal(mine, theirs)


@pytest.fixture
def plain(tmp_path: Path) -> Dataset:
    return load(write(tmp_path / "plain.csv", rows()))


@pytest.mark.parametrize("name", ["a.tsv", "a.csv"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_recognised(
    name: str, separator: str, plain: Dataset, tmp_path: Path
) -> None:
    path = write(tmp_path / name, rows(), separator)
    assert_same(load(path), plain)
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
    assert understood(path)["read as"] == f"separated by {names[separator]}s, UTF-8"
    assert_same(load(path, f"problem.separator={names[separator]}"), plain)
    other = "semicolon" if separator != ";" else "comma"
    said = refused(path, f"problem.separator={other}")
    assert f"separated by {other}s" in said


def test_empty_lines_between_rows_are_said(plain: Dataset, tmp_path: Path) -> None:
    """Where they end a sentence, as in many tagging files, a column has to say so as well."""
    first, *lines = write(tmp_path / "a.csv", rows()).read_text().splitlines(keepends=True)
    path = tmp_path / "b.csv"
    path.write_text(
        "\n".join([first, "".join(lines[:5]), "".join(lines[5:9]), *lines[9:]]) + "\n\n"
    )
    assert_same(load(path), plain)
    places = 1 + len(lines[9:])
    said = f"separated by commas, UTF-8, empty lines at {places:,} places skipped"
    assert understood(path)["read as"] == said
    assert said in refused(path, "problem.group=sentence")
    assert said in refused(path, roles=[])


def test_a_separator_of_ones_own(plain: Dataset, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", rows(), "~")
    assert "problem.sequence=id: choose one of id~t~v~k~y" in refused(path)
    assert_same(load(path, "problem.separator='~'"), plain)


@pytest.mark.parametrize(
    "text",
    [
        'id,t,"a;b;c;d;e",y\n1,0,5,a\n1,1,6,b\n',  # a name with semicolons
        "id,t,word,y\n1,0,a;b;c;d;e,a\n1,1,a;b;c;d;e,b\n",  # texts with semicolons
        "id,t,x,y\n1,0,5,a\n",  # too few rows to guess by
        "id,y,x\n1,b,5\n\n1,a,6\n",
    ],
)
def test_a_file_with_commas_stays_one(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(RequestError, match=r"nothing: choose one of id,.*, separated by commas"):
        problem(path, "problem.sequence=nothing")


def test_texts_full_of_other_separators_do_not_mislead(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    words = ["'|',|", "", "'b'|,|||", "||", "|;; ", '",b,;"" "', ";a"]  # csv.Sniffer says |
    lines = [f"s{i // 3}\t{i}\t{word}\t{'yn'[i % 2]}\n" for i, word in enumerate(words)]
    path.write_text("id\tt\tword\ty\n" + "".join(lines))
    with pytest.raises(RequestError, match=r"nothing: choose one of id,.*, separated by tabs"):
        problem(path, "problem.sequence=nothing")


def european() -> Rows:
    return [[*line[:2], line[2].replace(".", ","), *line[3:]] for line in rows()]


def test_decimal_commas_are_recognised(plain: Dataset, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", european(), ";")
    assert_same(load(path), plain)
    assert understood(path)["read as"] == "separated by semicolons, decimal comma, UTF-8"
    assert_same(load(path, "problem.decimal=comma", "problem.separator=semicolon"), plain)
    assert "k (category" in understood(path, "problem.decimal=point")["features"]
    assert "v (category" in understood(path, "problem.decimal=point")["features"]


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["1,234", "2,000", "12,345"], ";"),  # thousands?
        (['"2,5"', '"1,25"', '"0,5"'], ","),  # words, as they were always read?
    ],
)
def test_a_comma_that_can_mean_two_things_is_asked(
    cells: list[str], separator: str, tmp_path: Path
) -> None:
    lines = [[*line[:2], cells[i % 3], *line[3:]] for i, line in enumerate(rows())]
    path = write(tmp_path / "a.csv", lines, separator)
    said = refused(path)
    assert "column v: " in said
    assert said.endswith("problem.decimal=comma or problem.decimal=point says which")
    assert "v (number)" in understood(path, "problem.decimal=comma")["features"]
    assert "v (category, 3 levels" in understood(path, "problem.decimal=point")["features"]


def test_a_packed_table_is_unpacked(plain: Dataset, tmp_path: Path) -> None:
    for suffix, separator in ((".csv.gz", ","), (".tsv.gz", "\t")):
        path = tmp_path / f"a{suffix}"
        whole = gzip.compress(write(tmp_path / "b", rows(), separator).read_bytes())
        path.write_bytes(whole)
        assert_same(load(path), plain)
        for broken in (b"id,t", whole[:99], whole[:-5]):
            path.write_bytes(broken)
            assert f"{path}: not a sound .gz (" in refused(path)


def umlauts() -> Rows:
    return [[*line[:3], {"a": "ä", "b": "ö"}[line[3]], line[4]] for line in rows()]


def test_other_encodings(plain: Dataset, tmp_path: Path) -> None:
    lines = [*rows()[:40], *umlauts()[40:]]
    path = write(tmp_path / "a.csv", lines, encoding="latin-1")
    assert refused(path) == (
        f"{path}, line 42: not UTF-8 text; problem.encoding names another encoding, such as latin-1"
    )
    assert understood(path, "problem.encoding=latin-1")["features"].startswith(
        "v (number), k (category, 4 levels"
    )
    for encoding in ("utf-8-sig", "utf-16"):  # which begin with a mark
        assert_same(load(write(tmp_path / "b.csv", rows(), encoding=encoding)), plain)
    written = write(tmp_path / "c.csv", umlauts(), encoding="latin-1")
    assert_same(load(written, "problem.encoding=latin-1"), plain)


def test_dates_in_a_named_format(plain: Dataset, tmp_path: Path) -> None:
    # Sorted as text, the days of two months would be mixed.
    lines = [[line[0], f"{28 + int(line[1])}", *line[2:]] for line in rows()]
    for line in lines:
        day = int(line[1])
        line[1] = f"{day:02}.01.2024" if day < 32 else f"{day - 31:02}.02.2024"
    path = write(tmp_path / "a.csv", lines)
    said = refused(path)
    assert "line 2, column t: '28.01.2024' is no time; " in said
    assert "problem.time_format says how dates are written, as %d.%m.%Y does" in said
    assert_same(load(path, "problem.time_format=%d.%m.%Y"), plain)
    assert "'31.01.2024' is no time; problem.time_format=%m.%d.%Y does not fit it" in refused(
        write(path, lines[3:]), "problem.time_format=%m.%d.%Y"
    ).replace("28.01", "31.01")


def with_gaps() -> tuple[Rows, list[int]]:
    """The rows with three numbers missing: after two others, at a beginning, and in a row."""
    lines = rows()
    starts = [i for i, line in enumerate(lines) if line[1] == "0"]
    gaps = [starts[1] + 2, starts[2], starts[3] + 2, starts[3] + 3]
    for i, text in zip(gaps, ("", "NA", "nan", "-"), strict=True):
        lines[i][2] = text
    return lines, gaps


def rows_of(data: Dataset) -> Array:
    """The features of all steps that exist, sorted, so that two ways of filling can be compared."""
    parts = []
    for split in (data.train, data.test):
        assert split.present is not None
        parts.append(split.x[split.present])
    return np.concatenate(parts)


@pytest.mark.parametrize("how", ["mean", "forward"])
def test_missing_numbers_are_filled_and_marked(how: str, tmp_path: Path) -> None:
    lines, gaps = with_gaps()
    path = write(tmp_path / "a.csv", lines)
    assert "column v: empty; a finite number is needed; problem.missing=mean or fo" in refused(path)
    data = load(path, f"problem.missing={how}", "problem.standardize=false")
    found = rows_of(data)
    assert found.shape == (len(lines), 4)  # v, two levels, the mark
    filled = found[found[:, 3] == 1][:, 0]
    assert len(filled) == len(gaps)
    assert data.train.present is not None
    train = data.train.x[data.train.present]
    mean = train[train[:, 3] == 0][:, 0].mean()
    before = [float(lines[gap - 1][2]) for gap in gaps[:1]] + [float(lines[gaps[2] - 1][2])] * 2
    expected = [mean] * 4 if how == "mean" else [mean, *before]
    np.testing.assert_allclose(np.sort(filled), np.sort(expected), atol=1e-6)
    assert understood(path, f"problem.missing={how}")["features"].endswith("; missing: v 4")
    # Scaled by the numbers that are there, the mean becomes 0.
    scaled = load(path, "problem.missing=mean")
    marked = rows_of(scaled)
    np.testing.assert_allclose(marked[marked[:, 3] == 1][:, 0], 0, atol=1e-6)
    assert scaled.train.present is not None
    known = scaled.train.x[scaled.train.present]
    np.testing.assert_allclose(known[known[:, 3] == 0][:, 0].std(), 1, atol=1e-5)


def test_a_word_that_is_missing_is_a_category_of_its_own(tmp_path: Path) -> None:
    lines = [[*line[:3], "" if i % 5 == 0 else line[3], line[4]] for i, line in enumerate(rows())]
    path = write(tmp_path / "a.csv", lines)
    assert "column k: empty; a word is needed; problem.missing=mean or forward" in refused(path)
    assert load(path, "problem.missing=mean").train.x.shape[-1] == 4


def test_missing_numbers_of_an_archive(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(20, 5, 2))
    x[3, 2, 1] = x[19, 0, 1] = np.nan
    path = tmp_path / "a.npz"
    np.savez(path, x=x, y=x[..., 0] > 0)
    said = refused(path)
    assert "x[3, 2, 1]: nan; a finite number is needed" in said
    assert said.endswith("problem.missing=mean or forward fills it in")
    data = load(path, "problem.missing=forward")
    assert data.train.x.shape[-1] == 3
    assert sum(split.x[..., 2].sum() for split in (data.train, data.test)) == 2


def tagged() -> Rows:
    """Ten tags, of which the last sequences, the test part, alone have two."""
    lines = rows()
    for i, line in enumerate(lines):
        line[3] = "test" if int(line[0][1:]) >= 24 else "train"
        line[4] = f"tag{i % 8}"
    for i in (3, 7):
        lines[-i][4] = f"rare{i}"
    return lines


def test_labels_that_only_the_test_part_has(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", tagged())
    part = "problem.part=k"
    said = refused(path, part)
    assert "label 'rare3' is in the test part alone (sequence 'p29')" in said
    assert "problem.unseen=count counts such labels as wrong, =ignore leaves them out" in said
    counted, left = (load(path, part, f"problem.unseen={how}") for how in ("count", "ignore"))
    assert (counted.train.classes, left.train.classes) == (10, 8)
    assert counted.test.weights.sum() - left.test.weights.sum() == 2
    np.testing.assert_array_equal(counted.train.weights, left.train.weights)
    assert left.test.y[left.test.weights > 0].max() < 8
    for how, words in (("count", "count as wrong"), ("ignore", "are not scored")):
        (note,) = notes(path, part, f"problem.unseen={how}")
        labels = int(counted.test.weights.sum())
        assert note == (
            f"2 of {labels} labels of the test part {words}, because the training part does not "
            "have their 2 classes: 'rare3', 'rare7'"
        )


def test_many_whole_numbers_that_only_the_test_part_has_may_be_meant_as_numbers(
    tmp_path: Path,
) -> None:
    lines, few = tagged(), tagged()
    for i, (line, other) in enumerate(zip(lines, few, strict=True)):
        line[4], other[4] = str(i), str(i % 9 if line[3] == "train" else 10)
    said = [refused(write(tmp_path / "a.csv", made), "problem.part=k") for made in (lines, few)]
    assert said[0].endswith("=ignore leaves them out; problem.target predicts numbers")
    assert said[1].endswith("=ignore leaves them out")


def test_an_unseen_label_of_a_whole_sequence_is_left_out_with_it(tmp_path: Path) -> None:
    lines = tagged()
    for line in lines:
        line[4] = "odd" if line[0] in ("p25", "p27") else f"{int(line[0][1:]) % 2}"
    path = write(tmp_path / "a.csv", lines)
    keys = ["problem.part=k", "problem.label_per=sequence"]
    assert len(load(path, *keys, "problem.unseen=count").test) == 6
    left = load(path, *keys, "problem.unseen=ignore").test
    assert len(left) == 4
    assert left.classes == 2
    only = [[*line[:4], "odd" if line[3] == "test" else line[4]] for line in lines]
    write(path, only)
    assert "no label of the test part is in the training part too" in refused(
        path, *keys, "problem.unseen=ignore"
    )


def test_ids_that_are_written_once_are_filled_down(plain: Dataset, tmp_path: Path) -> None:
    lines = [["" if line[1] != "0" else line[0], *line[1:]] for line in rows()]
    path = write(tmp_path / "a.csv", lines)
    said = "line 3, column id: it is empty; problem.fill_down=true takes the value above it"
    assert said in refused(path)
    assert_same(load(path, "problem.fill_down=true"), plain)
    assert "line 2, column id: it is empty" in refused(
        write(path, lines[1:]), "problem.fill_down=true"
    )


def text_rows() -> Rows:
    """Sentences of 400 words, of which one in ten is not in the training part."""
    rng = np.random.default_rng(1)
    made = []
    for i in range(60):
        test = i >= 48
        for t in range(12):
            word = rng.integers(400) + (400 if test and rng.random() < 0.1 else 0)
            tag = "B" if word % 3 == 0 else "O"
            made.append([f"s{i}", f"{t}", f"word{word}", "test" if test else "train", tag])
    return made


def test_the_words_of_a_text_are_symbols(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", text_rows())
    part = "problem.part=k"
    data = load(path, part)
    lines = text_rows()
    known = {line[2] for line in lines if line[3] == "train"}
    strange = sum(line[2] not in known for line in lines)
    assert data.train.symbols == len(known) + 2
    assert data.train.x.dtype == np.int32
    assert data.train.x.min() == 2  # 0 is padding, 1 a word that the training part does not have
    assert (data.test.x == 1).sum() == strange > 0
    # One symbol a word: what the tag says of the word is the same wherever it stands.
    tags: dict[int, set[int]] = {}
    for symbol, tag in zip(data.train.x.ravel(), data.train.y.ravel(), strict=True):
        tags.setdefault(int(symbol), set()).add(int(tag))
    assert all(len(found) == 1 for found in tags.values())
    assert "an embedding" in understood(path, part)["features"]
    columns = load(path, part, "problem.symbols=[]")
    assert columns.train.x.shape[-1] == len(known)
    assert "a column each" in understood(path, part, "problem.symbols=[]")["features"]


def test_the_usual_tagging_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["Sentence #,Word,POS,Tag"]
    for i in range(80):
        for t in range(rng.integers(3, 9)):
            k = int(rng.integers(300))
            tag = "B-geo" if k % 7 == 0 else "B-art" if (i, t) == (77, 1) else "O"
            lines.append(f"{'' if t else f'Sentence: {i}'},wörd{k},{'NV'[k % 2]},{tag}")
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines), encoding="latin-1")
    roles = ["problem.sequence='Sentence #'", "problem.label=Tag"]
    keys = ["problem.fill_down=true", "problem.encoding=latin-1", "problem.embedding=32"]
    found = problem(path, *keys, "problem.unseen=count", roles=roles)
    read = dict(problems.understood(found))
    assert read["features"].startswith("Word (category, ")
    assert read["features"].endswith(
        " levels, an embedding), POS (category, 2 levels, a column each)"
    )
    assert read["sequences"] == "80: 64 training, 16 test"
    data = problems.load(found, problems.longest(found), 100, 0)
    assert data.train.x.shape[-1] == 3
    assert len(data.train.levels) == 1
    assert data.train.embedding == 32


def test_more_words_than_columns_are_one_line(tmp_path: Path) -> None:
    lines = [[f"s{i // 10}", f"{i}", f"w{i}", "u", "yn"[i % 2]] for i in range(2000)]
    path = write(tmp_path / "a.csv", lines)
    assert load(path, "problem.features=[v]").train.symbols == 1602
    said = refused(path, "problem.features=[v]", "problem.symbols=[]")
    assert "column v: 1600 different words; at most 1000 can have a column each" in said


def test_a_few_words_are_columns_unless_they_are_called_symbols(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", rows())
    assert load(path, "problem.features=[k]").train.x.shape[-1] == 2
    assert load(path, "problem.features=[k]", "problem.symbols=[k]").train.symbols == 4
    numbers = load(path, "problem.features=[t]", "problem.symbols=[t]")
    assert numbers.train.symbols == 7 + 2


def many_levels() -> Rows:
    """The rows with a category of 120 levels, of which some are in the test part alone."""
    return [[*line[:3], f"unit{i % 120}", line[4]] for i, line in enumerate(rows())]


def test_a_category_of_many_levels_beside_numbers_is_embedded(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", many_levels())
    data = load(path)
    assert understood(path)["features"] == "v (number), k (category, 120 levels, an embedding)"
    (size,) = data.train.levels
    assert data.train.symbols == 0
    for split in (data.train, data.test):
        assert split.x.shape[-1] == 2
        assert split.present is not None
        codes = split.x[split.present][:, 1]
        assert codes.min() >= 1
        assert codes.max() < size
        np.testing.assert_array_equal(codes, np.round(codes))
    assert data.train.present is not None
    assert set(data.train.x[data.train.present][:, 1]) == set(range(2, size))
    # In columns, as it was before there was an embedding, the same levels are told apart.
    columns = load(path, "problem.symbols=[]")
    assert columns.train.levels == ()
    assert columns.train.x.shape[-1] == 1 + size - 2
    there = data.train.present
    level = columns.train.x[there][:, 1:].argmax(axis=1)
    np.testing.assert_array_equal(level + 2, data.train.x[there][:, 1])
    assert load(path, "problem.embedding=8").train.embedding == 8


def test_categories_to_embed_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", rows())
    assert load(path, "problem.symbols=[k]").train.levels == (4,)
    data = load(path, "problem.symbols=[t,k]", "problem.features=[v,k,t]", "problem.missing=mean")
    assert data.train.levels == (4, 9)  # in the order of the features
    assert data.train.x.shape[-1] == 3


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("no", "NA"), "label 'NA' is taken as a class; where there is no label, leave the cell e"),
        (("0", "-1", "1"), "label '-1' is taken as a class; where there is no label, leave the"),
        (
            ("yes", "no", "Yes"),
            "labels 'Yes' and 'yes' differ only in case or spaces, and are 2 cl",
        ),
        (("-1", "1"), None),
        (("none", "drug"), None),
    ],
)
def test_labels_that_may_be_none_are_said(
    labels: Sequence[str], said: str | None, tmp_path: Path
) -> None:
    lines = [[*line[:4], labels[i % len(labels)]] for i, line in enumerate(rows())]
    found = notes(write(tmp_path / "a.csv", lines))
    assert [note.startswith(str(said)) for note in found] == [True] * (said is not None)


def test_a_row_number_that_becomes_a_feature_is_said(tmp_path: Path) -> None:
    lines = [[*line[:2], f"{i}", *line[3:]] for i, line in enumerate(rows())]
    path = write(tmp_path / "a.csv", lines)
    assert notes(path) == [
        "column v numbers the rows of the file and is taken as a feature; problem.features leaves "
        "it out"
    ]
    assert notes(path, "problem.features=[k]") == []


X = np.random.default_rng(0).normal(size=(60, 10, 1))
Y = (X[..., 0].cumsum(axis=1) > 0).astype(int)
WHOLE = Y[:, -1]


@pytest.mark.parametrize(
    ("y", "as_plain"),
    [
        (Y[..., None], Y),  # as the lesson's get_sequences returns it
        (Y[..., None].astype(float), Y),
        (np.eye(2, dtype=int)[Y], Y),
        (np.eye(2, dtype=bool)[Y], Y),
        (np.where(Y, "yes", "no")[..., None], Y),
        (WHOLE[:, None], WHOLE),
        (np.eye(2)[WHOLE], WHOLE),
    ],
)
def test_shapes_of_labels(y: Array, as_plain: Array, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=y)
    np.savez(tmp_path / "plain.npz", x=X, y=as_plain)
    assert_same(load(tmp_path / "a.npz"), load(tmp_path / "plain.npz"))


def test_one_hot_labels_may_be_anything_where_there_is_no_step(tmp_path: Path) -> None:
    mask = np.arange(10) < np.random.default_rng(1).integers(2, 11, 60)[:, None]
    np.savez(tmp_path / "a.npz", x=X, y=np.eye(2)[Y] * mask[..., None], mask=mask)
    np.savez(tmp_path / "plain.npz", x=X, y=Y, mask=mask)
    assert_same(load(tmp_path / "a.npz"), load(tmp_path / "plain.npz"))


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.stack([Y, Y + 1], axis=-1), r"y: shape (60, 10, 2); (60, 10) is needed"),
        (2 * Y[:, :5], r"y: shape (60, 5); (60, 10) is needed"),
    ],
)
def test_what_is_no_class_is_one_line(y: Array, said: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=y)
    assert said in refused(tmp_path / "a.npz")


def test_a_number_as_label_is_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [[*line[:4], line[2]] for line in rows()])
    assert "column y: " in refused(path)
    assert refused(path).endswith(
        "is no class; a whole number or a word is needed (problem.target, in place of "
        "problem.label, predicts numbers)"
    )


def test_a_one_hot_row_that_may_be_labels_of_steps_is_asked(tmp_path: Path) -> None:
    classes = np.arange(60) % 10
    path = tmp_path / "a.npz"
    np.savez(path, x=X, y=np.eye(10, dtype=int)[classes])
    said = refused(path)
    assert "problem.label_per=step if they are labels of 10 steps, =sequence if they are" in said
    steps, sequences = (load(path, f"problem.label_per={per}") for per in ("step", "sequence"))
    assert (steps.train.y.shape, sequences.train.y.shape) == ((48, 10), (48,))
    assert (steps.train.classes, sequences.train.classes) == (2, 10)
    found = np.concatenate([sequences.train.y, sequences.test.y])
    np.testing.assert_array_equal(np.sort(found), np.sort(classes))


@pytest.mark.parametrize(("features", "said"), [(1, "1 number"), (12, "12 numbers")])
def test_arrays_without_names_are_counted(features: int, said: str, tmp_path: Path) -> None:
    x = np.repeat(X, features, axis=2)
    x[0, 0, -1] = np.nan
    np.savez(tmp_path / "a.npz", x=x, y=Y)
    found = understood(tmp_path / "a.npz", "problem.missing=mean")["features"]
    assert found == f"x: {said} a step; missing: x[..., {features - 1}] 1"


def test_zeros_at_the_ends_that_look_like_padding_are_said(tmp_path: Path) -> None:
    lengths = np.random.default_rng(1).integers(2, 11, 60)
    there = np.arange(10) < lengths[:, None]
    path = tmp_path / "a.npz"
    for padded in (there, there[:, ::-1]):  # as pad_sequences does with "post", and with "pre"
        np.savez(path, x=X * padded[..., None], y=Y)
        (note,) = notes(path)
        assert note.startswith(f"x: {(~padded).sum()} of 600 steps, at the ends of ")
        assert "are taken as steps that exist; if they are padding, add an array lengths" in note
    np.savez(path, x=X * there[..., None], y=Y, lengths=lengths)
    assert notes(path) == []
    np.savez(path, x=np.random.default_rng(1).integers(0, 2, (60, 10, 1)), y=Y)
    assert notes(path) == []  # zeros are everywhere


LETTERS = np.random.default_rng(2).integers(0, 4, (300, 20))


def test_a_zero_inside_sequences_is_a_symbol(tmp_path: Path) -> None:
    path, shifted = tmp_path / "a.npz", tmp_path / "b.npz"
    y = (np.diff(LETTERS, axis=1, prepend=9) == 0).astype(int)
    np.savez(path, x=LETTERS, y=y)
    np.savez(shifted, x=LETTERS + 1, y=y)
    assert_same(load(path), load(shifted))
    assert load(path).train.symbols == 5
    (note,) = notes(path)
    assert "0 stands inside sequences, as at x[" in note
    assert "it is taken as a symbol, and not as padding" in note
    assert "problem.zero=padding leaves all zeros out" in note
    assert notes(shifted) == []
    # Whoever says so has the zeros left out, with their labels.
    left = load(path, "problem.zero=padding")
    labels = left.train.weights.sum() + left.test.weights.sum()
    assert labels == (LETTERS > 0).sum()
    said = "; ".join(notes(path, "problem.zero=padding"))
    assert "zeros inside sequences are left out with their labels" in said
    # What is found out is the same as what is said.
    assert problem(path) == problem(path, "problem.zero=symbol")


def test_padding_at_the_front_is_moved_and_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    x, lengths = rng.integers(1, 5, (60, 8)), rng.integers(2, 9, 60)
    post = np.arange(8) < lengths[:, None]
    pre = post[:, ::-1]
    y = x % 2
    moved = np.zeros_like(x)
    moved[pre] = x[post]
    np.savez(tmp_path / "post.npz", x=x * post, y=y * post)
    np.savez(tmp_path / "pre.npz", x=moved, y=(moved % 2) * pre)
    assert_same(load(tmp_path / "pre.npz"), load(tmp_path / "post.npz"))
    assert notes(tmp_path / "post.npz") == []
    (note,) = notes(tmp_path / "pre.npz")
    assert note.startswith(f"x: {(lengths < 8).sum()} sequences begin with 0, which is padding")


def test_a_zero_in_a_step_that_exists_is_a_symbol(tmp_path: Path) -> None:
    lengths = np.full(300, 15)
    y = (LETTERS > 1).astype(int)
    path = tmp_path / "a.npz"
    np.savez(path, x=LETTERS, y=y, lengths=lengths)
    np.savez(tmp_path / "b.npz", x=LETTERS + 1, y=y, lengths=lengths)
    assert_same(load(path), load(tmp_path / "b.npz"))
    assert "is a symbol" not in refused(path, "problem.zero=padding")
    assert "integers are symbols, 1 .. 999999, and 0 is padding" in refused(
        path, "problem.zero=padding"
    )


def test_many_classes(tmp_path: Path) -> None:
    x = np.arange(6000.0).reshape(600, 10, 1)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(6000).reshape(600, 10) % 1200)
    assert load(tmp_path / "a.npz").train.classes == 1200
    assert understood(tmp_path / "a.npz")["classes"].endswith(" and 1,188 more")


def test_a_plan_says_how_the_file_was_understood(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", rows())
    found = understood(path)
    steps = [int(n) for n in np.unique([line[0] for line in rows()], return_counts=True)[1]]
    assert found["features"] == "v (number), k (category, 2 levels, a column each)"
    assert found["sequences"] == "30: 24 training, 6 test"
    assert found["steps"] == f"{min(steps)} shortest, {int(np.median(steps))} median, 7 longest"
    assert found["labels"] == f"one a step, {len(rows())} scored"
    data = load(path)
    shares = []
    for split in (data.train, data.test):
        labels = split.y[split.weights > 0]
        shares.append([(labels == k).mean() for k in (0, 1)])
    named = [
        f"{name} {shares[0][k]:.3f}/{shares[1][k]:.3f}" for k, name in enumerate(("no", "yes"))
    ]
    first = int(shares[0][1] > shares[0][0])
    assert found["classes"] == (f"2 (share in training/test): {named[first]}, {named[1 - first]}")
    shown = run(tmp_path, "problem=file", "problem.path=a.csv", *ROLES, "plan=true")
    assert shown.returncode == 0, shown.stderr
    for name, text in found.items():
        assert f"  {name:<10} {text}\n" in shown.stdout
    assert {p.name for p in tmp_path.iterdir()} == {"a.csv"}


def test_what_was_found_odd_is_in_the_report(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", tagged())
    keys = [*ROLES, "problem.part=k", "problem.unseen=count", "problem.features=[t]"]
    tiny = ["units=3", "training=smoke", "training.sequences=20", "direction=forward", "name=tags"]
    shown = run(tmp_path, "problem=file", "problem.path=a.csv", *keys, *tiny, "seeds=1")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    said = "labels of the test part count as wrong, because the training part does not have"
    assert f"Note: 2 of 34 {said}" in shown.stdout
    assert f"2 of 34 {said}" in report(tmp_path, "tags")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (
            "separator=ab",
            "choose one of comma, semicolon, tab, pipe, space; did you mean tab? (or gi",
        ),
        ("separator=tabs", "did you mean tab?"),
        ("decimal=commas", "choose one of point, comma; did you mean comma?"),
        ("encoding=latin-99", "Python knows no such encoding; usual ones are utf-8, latin-1"),
        ("encoding=base64", "Python knows no such encoding"),
        ("encoding=5", "Python knows no such encoding"),
        ("time_format=day", "%d, %m, %Y, %H, %M and %S stand for day, month"),
        ("time_format=%Q", "%d, %m, %Y, %H, %M and %S stand for day, month"),
        ("time_format=%d%d", "%d, %m, %Y, %H, %M and %S stand for day, month"),
        ("fill_down=yes please", "true or false is needed"),
        ("missing=median", "choose one of error, mean, forward; did you mean mean?"),
        ("missing=null", "choose one of error, mean, forward"),
        ("unseen=wrong", "choose one of error, ignore, count"),
        ("zero=pad", "choose one of padding, symbol; did you mean padding?"),
        ("zero=symbol", "it is for symbols in an .npz"),
        ("symbols=[z]", "choose one of id, t, v, k, y"),
        ("symbols=[y]", "y is none of problem.features"),
        ("embedding=0", "a whole number above 0 is needed, or null"),
        ("embedding=8.5", "a whole number above 0 is needed, or null"),
        ("embedding=8", "nothing in "),
        ("label_per=both", "choose one of step, sequence"),
    ],
)
def test_a_wrong_value_of_a_key_is_one_line(key: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", rows())
    message = refused(path, f"problem.{key}")
    assert message.startswith(f"problem.{key.partition('=')[0]}")
    assert said in message


def test_what_is_for_another_kind_of_file_is_one_line(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    for key in ("separator=tab", "encoding=latin-1", "fill_down=true", "symbols=[x]"):
        said = refused(tmp_path / "a.npz", f"problem.{key}")
        assert said.startswith(f"problem.{key.partition('=')[0]}=")
        assert "it is for tables; an .npz has arrays named x, y, mask" in said
    assert "problem.zero=symbol: it is for symbols, and x of" in refused(
        tmp_path / "a.npz", "problem.zero=symbol"
    )
    path = write(tmp_path / "a.csv", rows())
    said = refused(path, "problem.time=null", "problem.time_format=%d", roles=ROLES[::2])
    assert said == "problem.time_format=%d: problem.time has to name the column"


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        ("separator", ["problem.separator=ab"]),
        ("missing", ["problem.missing=median"]),
    ],
)
def test_the_command_ends_with_2_and_starts_nothing(
    key: str, arguments: list[str], tmp_path: Path
) -> None:
    write(tmp_path / "a.csv", rows())
    shown = run(tmp_path, "problem=file", "problem.path=a.csv", *ROLES, *arguments)
    assert shown.returncode == 2
    (line,) = shown.stderr.splitlines()
    assert line.startswith(f"ablation: problem.{key}=")
    assert {p.name for p in tmp_path.iterdir()} == {"a.csv"}


def test_an_option_that_is_off_is_not_part_of_the_id(tmp_path: Path) -> None:
    """What was stored before these options came is found again."""
    path = write(tmp_path / "a.csv", rows())
    config = compose("problem=file", f"problem.path={path}", *ROLES, "direction=forward")
    arm = parse_all(config).arm
    before = {
        key: value
        for key, value in arm.problem.model_dump().items()
        if key in ("name", "test_size", "path", "sequence", "time", "label", "label_per")
        or key in ("features", "categorical", "group", "part", "test_share", "standardize")
    }
    assert before["label_per"] == "step"
    old = arm.model_copy(update={"problem": Problem.model_validate(before)})
    ids = {trial.id for trial in (trials_of(a, [0])[0] for a in (arm, old))}
    assert len(ids) == 1
    on: dict[str, Any] = {"missing": "mean", "unseen": "count", "symbols": ["k"], "zero": "symbol"}
    for key, value in on.items():
        changed = arm.model_copy(update={"problem": arm.problem.model_copy(update={key: value})})
        assert trials_of(changed, [0])[0].id not in ids
