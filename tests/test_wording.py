"""Figures that people read have separators, few digits and no needless exponent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.wording import format_number, format_signed

FIGURES = st.floats(1e-4, 9.9999e8) | st.floats(-9.9999e8, -1e-4)


@given(FIGURES, st.integers(2, 6))
def test_a_figure_has_no_exponent(value: float, digits: int) -> None:
    text = format_number(value, digits)
    assert "e" not in text
    assert float(text.replace(",", "")) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))


@given(FIGURES)
def test_a_difference_has_a_sign(value: float) -> None:
    assert format_signed(value)[0] == ("-" if value < 0 else "+")


@pytest.mark.parametrize(
    ("value", "text"),
    [(-1703.4, "-1,703"), (1000.0, "+1,000"), (-0.0, "+0"), (1e-11, "+1e-11"), (1e10, "+1e+10")],
)
def test_differences_in_words(value: float, text: str) -> None:
    assert format_signed(value) == text
