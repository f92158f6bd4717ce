"""All columns at once become what each becomes alone."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.errors import DataError
from onward.schema import Field
from onward.serving.column_arrays import ColumnArrays
from onward.serving.input_arrays import to_wire

FIELDS = [
    Field("age", "numerical", "number"),
    Field("pay", "numerical", "number", ("-999", "?")),
    Field("city", "categorical", "text"),
    Field("day", "datetime", "text"),
]
ARRAYS = ColumnArrays(FIELDS)
anything = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just("-999")
)


def alone(field: Field, values: Any) -> Any:
    try:
        return to_wire(field, values, 0)
    except DataError as error:
        return str(error)


@given(st.lists(st.tuples(anything, anything, anything, anything), max_size=4), st.booleans())
def test_columns_together_are_columns_alone(rows: list[Any], is_array: bool) -> None:
    columns = {field.name: [row[index] for row in rows] for index, field in enumerate(FIELDS)}
    if is_array:
        columns["age"] = np.arange(len(rows), dtype=np.float32)  # type: ignore[assignment]
    expected = {field.name: alone(field, columns[field.name]) for field in FIELDS}
    errors = [value for value in expected.values() if isinstance(value, str)]

    if errors:
        with pytest.raises(DataError) as caught:
            ARRAYS(columns)
        assert str(caught.value) in errors
        return

    got = ARRAYS(columns)
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_array_equal(got[name], array)


def test_the_row_of_an_error_is_counted_from_the_first() -> None:
    with pytest.raises(DataError, match=r"column 'day', row 11: 'x.ud800'"):
        ARRAYS({"city": [None, "y"], "day": ["", "x\ud800"]}, 10)


def test_a_missing_column_stays_missing() -> None:
    assert list(ARRAYS({"age": [1], "unknown": [2]})) == ["age"]
    with pytest.raises(DataError, match="row 1"):
        ARRAYS({"age": [1, "x"]})
