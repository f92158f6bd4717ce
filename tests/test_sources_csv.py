"""CSV files, whole and broken: what is read is what the rules of RFC 4180 say, or nothing is."""

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.errors import DataError
from onward.schema import Field
from onward.sources import Source, _blocks


def scanned(folder: Path, data: bytes) -> tuple[list[str], list[tuple[str | None, ...]]]:
    path = folder / "table.csv"
    path.write_bytes(data)
    source = Source.for_path(path)
    names = source.names()
    frame = source.scan([Field(name, "any", "text") for name in names]).collect()
    return names, frame.rows()


def reference(data: bytes) -> tuple[list[str], list[tuple[str | None, ...]]]:
    """As Python's own module reads it, where a blank line is a record too."""
    text = io.StringIO(data.decode(), newline="")
    names, *rows = csv.reader(text, strict=True)
    return names, [tuple(value or None for value in row or [""]) for row in rows]


@settings(max_examples=2000)
@given(st.text('ab,"\n\r', max_size=30), st.sampled_from(["a\n", "a,b\n", '"a\n""",b\r\n']))
def test_any_file_is_read_as_python_reads_it_or_refused(rows: str, header: str) -> None:
    data = (header + rows).encode()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(_blocks, "SIZE", 4)
        try:
            got = scanned(Path(folder), data)
        except DataError:
            return
        assert got == reference(data)
