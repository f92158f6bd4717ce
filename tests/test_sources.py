"""The contract that every source keeps, and what the typed formats refuse."""

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.errors import DataError
from onward.schema import Field, Wire
from onward.sources import Source

every_type = pytest.mark.parametrize("name", sorted(Source.members))
Rows = list[dict[str, Any]]


def written(folder: Path, suffix: str, rows: Rows) -> Path:
    """A table in the format that the suffix names, by another writer than ours."""
    path = folder / f"table{suffix}"
    if suffix == ".parquet":
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
        return path
    if "json" in suffix:
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
    else:
        text = separated(rows, "\t" if "tsv" in suffix else ",")
    data = text.encode()
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    return path


def separated(rows: Rows, delimiter: str) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def scanned(path: Path, **wires: Wire) -> dict[str, list[Any]]:
    fields = [Field(name, "any", wire) for name, wire in wires.items()]
    return Source.for_path(path).scan(fields).collect().to_dict(as_series=False)


@every_type
def test_type_is_the_name_of_the_file(name: str) -> None:
    assert Source.members[name].__module__ == f"onward.sources.{name}"


every_suffix = pytest.mark.parametrize(
    "suffix", sorted(suffix for each in Source.members.values() for suffix in each.suffixes)
)


@every_suffix
def test_a_table_is_the_same_in_every_format(suffix: str, tmp_path: Path) -> None:
    rows: Rows = [
        {"age": 39.5, "Größe": "01234", "count": 7},
        {"age": None, "Größe": 'a "b", c\td\n', "count": 2**53 - 1},
        {"age": -1e-300, "Größe": "", "count": -7},
    ]
    path = written(tmp_path, suffix, rows)

    source = Source.for_path(path)
    frame = scanned(path, Größe="text", count="number", age="number")

    assert source.names() == ["age", "Größe", "count"]
    assert source.num_rows() == 3
    assert frame == {
        "Größe": ["01234", 'a "b", c\td\n', None],
        "count": [7.0, 2.0**53 - 1, -7.0],
        "age": [39.5, None, -1e-300],
    }


@every_suffix
def test_a_column_that_is_not_there_is_named_with_the_one_that_was_meant(
    suffix: str, tmp_path: Path
) -> None:
    path = written(tmp_path, suffix, [{"age": 1, "town": "x"}])
    with pytest.raises(DataError, match=r"no column 'agge'\. Did you mean 'age'; the 2 columns"):
        scanned(path, agge="number")


@every_suffix
def test_whole_numbers_that_a_float_would_round_are_no_numbers_but_texts(
    suffix: str, tmp_path: Path
) -> None:
    path = written(tmp_path, suffix, [{"id": 5}, {"id": 2**53 + 1}])
    assert scanned(path, id="text") == {"id": ["5", "9007199254740993"]}
    with pytest.raises(DataError, match=r"'id' has 1 of 2 .* '?9007199254740993'? in row 2"):
        scanned(path, id="number")


def test_a_file_with_another_name_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"table\.xlsx: .* \.csv, \.csv\.gz, \.jsonl"):
        Source.for_path(tmp_path / "table.xlsx")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        Source.for_path(tmp_path / "table.csv")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
awkward = st.text('a,"\n\r\t é', max_size=8)
tables = st.lists(
    st.fixed_dictionaries(
        {"n": st.none() | st.floats(allow_infinity=False), "t": st.none() | texts | awkward}
    ),
    min_size=1,
    max_size=20,
)


@every_suffix
@given(tables)
def test_any_table_comes_back_as_it_was_written(suffix: str, rows: Rows) -> None:
    for row in rows:
        row["n"] = None if row["n"] != row["n"] else row["n"]
    rows.append({"n": 0.5, "t": "x"})  # so that Parquet has a type for both
    with tempfile.TemporaryDirectory() as folder:
        frame = scanned(written(Path(folder), suffix, rows), t="text", n="number")
    assert frame["t"] == [row["t"] or None for row in rows]
    assert frame["n"] == [row["n"] for row in rows]
