"""Rows are recognised by a small filter, and new ones hardly ever."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.table import row_filter
from onward.table.row_filter import FALSE_MATCHES, RowFilter, row_hashes

NUMBERS = st.none() | st.floats()
TEXTS = st.none() | st.text(max_size=5)


def table(random: np.random.Generator, rows: int) -> pl.DataFrame:
    numbers = random.normal(size=rows).round(3)
    return pl.DataFrame({"x": numbers, "t": random.choice(["a", "b", ""], rows)})


@given(st.lists(st.tuples(NUMBERS, TEXTS), min_size=1))
def test_a_known_row_is_always_recognised(rows: list[tuple[float | None, str | None]]) -> None:
    frame = pl.DataFrame(rows, {"x": pl.Float64, "t": pl.String}, orient="row")
    known = RowFilter.of([row_hashes(frame)], len(rows))
    again = RowFilter.load(known.dump())
    assert again.knows(row_hashes(frame[::-1])).all()


def test_a_new_row_is_rarely_taken_for_a_known_one() -> None:
    random = np.random.default_rng(0)
    known = RowFilter.of([row_hashes(table(random, 5_000))], 5_000)
    new = table(random, 20_000).with_columns(pl.col("x") + 100)
    assert known.knows(row_hashes(new)).mean() < 3 * FALSE_MATCHES


def test_of_many_rows_a_share_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_filter, "MOST_BITS", 10_000)
    hashes = row_hashes(pl.DataFrame({"x": np.arange(50_000.0)}))
    known = RowFilter.of([hashes[:20_000], hashes[20_000:]], 50_000)
    assert known.every == 72
    assert len(known.bits) <= 10_000
    assert (known.knows(hashes) == known.checks(hashes)).all()
    assert 500 < known.checks(hashes).sum() < 900


def test_missing_values_and_zeros_have_one_form() -> None:
    frame = pl.DataFrame({"x": [None, float("nan")], "t": ["", None]})
    assert len(set(row_hashes(frame).tolist())) == 1
    assert len(set(row_hashes(pl.DataFrame({"x": [0.0, -0.0]})).tolist())) == 1


def test_columns_of_several_values_count() -> None:
    points = pl.Series("p", [[1.0, 2.0], [2.0, 1.0], None, [1.0, 2.0]], pl.Array(pl.Float64, 2))
    one, other, missing, again = row_hashes(points.to_frame()).tolist()
    assert one == again
    assert len({one, other, missing}) == 3


def test_columns_and_their_order_count() -> None:
    frame = pl.DataFrame({"a": [1.0, 2.0], "b": [2.0, 1.0], "t": ["x", "y"]})
    assert row_hashes(frame.select("a", "b"))[0] == row_hashes(frame.select("b", "a"))[1]
    assert len(set(row_hashes(frame.select("a", "b")).tolist())) == 2


def test_the_hash_never_changes() -> None:
    frame = pl.DataFrame({"x": [1.5, None, -3.0], "t": ["Köln", "", "a"]})
    assert row_hashes(frame).tolist() == [
        17127800135192368949,
        1571087896789861852,
        7466839877469627352,
    ]


def test_another_filter_is_refused() -> None:
    note = RowFilter.of([np.array([7], np.uint64)], 1).dump()
    with pytest.raises(ValueError, match="bytes for 65 bits"):
        RowFilter.load({**note, "bits": 65})
