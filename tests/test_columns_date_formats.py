"""Dates of any format: the file reads what Python reads."""

import json
import random
import re
from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onward.preprocessing.columns._date_format import PIECES, parse_format
from onward.preprocessing.columns._parse_dates import moments
from onward.preprocessing.columns.datetime import Datetime
from onward.schema import Field, Schema, Target

FORMATS = (
    *("%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    *("%d.%m.%y", "%m/%d/%y", "%y-%m-%d", "%d%m%Y", "%Y-%m", "%m/%Y", "%b %Y", "%B %Y"),
    *("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%y", "%a, %d %b %Y"),
    *("%Y-%m-%d %H", "%Y-%m-%dT%H", "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%d %H:%M:%S %z"),
    *("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M%z"),
    *("%Y%m%dT%H%M%S", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%S%z", "%Y%m%d %H:%M", "%d.%m.%Y %H:%M"),
    *("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d-%b-%y %I.%M.%S %p"),
    *("%m/%d/%Y %I:%M%p", "%b %d %Y %I:%M%p", "%a %b %d %H:%M:%S %Y", "%A, %B %d, %Y %H:%M"),
    *("%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S GMT", "%H:%M:%S %d.%m.%Y", "%s", "%Q"),
)


def written(moment: datetime, form: str, draw: random.Random) -> str:
    """As somebody would write it: with zeros or without, with a fraction or without."""
    if form in ("%s", "%Q"):
        seconds = int(moment.timestamp())
        return str(seconds if form == "%s" else seconds * 1000 + draw.randrange(1000))
    stands_alone = re.compile(r"(?<![a-zA-Z])%([mdHIM])(?!%)")  # may do without a zero
    if draw.random() < 0.3 and not re.search("%[a-zA-Z]%[^p]", form.replace("%z", "")):
        form = stands_alone.sub(r"%-\1", form)
    text = moment.strftime(form.replace("%z", "\1"))
    zone = moment.strftime("%z")
    spellings = [zone, f"{zone[:3]}:{zone[3:]}", *([zone[:3]] if zone.endswith("00") else [])]
    return text.replace(
        "\1", draw.choice(spellings) if zone != "+0000" else draw.choice(["Z", zone])
    )


def read_by_python(text: str, form: str) -> datetime:
    if form in ("%s", "%Q"):
        return datetime.fromtimestamp(int(text) // (1000 if form == "%Q" else 1), UTC)
    full = re.sub(r"([+-]\d\d)$", r"\g<1>00", text) if form.endswith("%z") else text
    return datetime.strptime(full, form)


def random_moment(form: str, draw: random.Random) -> datetime:
    if form in ("%s", "%Q"):
        return datetime.fromtimestamp(draw.randrange(10**9, 10**10), UTC)
    start, years = (datetime(1969, 1, 1), 99) if "%y" in form else (datetime(1000, 1, 1), 8999)
    moment = start + timedelta(seconds=draw.randrange(years * 365 * 86_400))
    offset = timedelta(minutes=15 * draw.randrange(-48, 57))
    return moment.replace(tzinfo=timezone(offset) if "%z" in form else None)


def agrees(form: str, rows: int, seed: int) -> None:
    draw = random.Random(seed)
    texts = [written(random_moment(form, draw), form, draw) for _ in range(rows)]
    column = Datetime(Datetime.Config(name="x", format=form))

    clock = moments(column.field, pl.Series("x", texts))
    seconds = column._seconds(pl.Series("x", texts))

    truth = [read_by_python(text, form) for text in texts]
    assert clock.to_list() == [moment.replace(tzinfo=None) for moment in truth]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    utc = [moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in truth]
    assert seconds.to_list() == [
        (moment - epoch) // timedelta(seconds=1) + epoch.toordinal() * 86_400 for moment in utc
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_moments_are_those_that_python_reads(form: str) -> None:
    agrees(form, 300, 0)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_20_000_moments_are_those_that_python_reads(form: str) -> None:
    agrees(form, 20_000, 1)


@given(
    form=st.sampled_from(FORMATS),
    text=st.text("0123456789-/.: TZ+APMJanFebThuCUGMT,", max_size=30) | st.text(max_size=8),
)
def test_what_is_no_date_to_python_is_none_to_the_file(form: str, text: str) -> None:
    [moment] = moments(
        Field("x", "datetime", "text", settings={"format": form}), pl.Series("x", [text])
    )
    if moment is not None:
        assert read_by_python(re.sub(" +", " ", text), form).replace(tzinfo=None) == moment


@pytest.mark.parametrize(
    ("form", "text", "moment"),
    [
        ("%d/%m/%Y", "31/02/2024", None),
        ("%d/%m/%Y", "29/02/2024", datetime(2024, 2, 29)),
        ("%d/%m/%Y", "29/02/2023", None),
        ("%m/%d/%Y", "13/01/2024", None),
        ("%d.%m.%y", "01.02.69", datetime(1969, 2, 1)),
        ("%d.%m.%y", "01.02.68", datetime(2068, 2, 1)),
        ("%Y-%m-%d %H:%M:%S%z", "2024-01-03 08:17:56,123+00", datetime(2024, 1, 3, 8, 17, 56)),
        ("%Y-%m-%d %H:%M:%S", "2024-01-03 08:17:56.5", datetime(2024, 1, 3, 8, 17, 56)),
        ("%a %b %d %H:%M:%S %Y", "Thu Jan  4 08:17:56 2024", datetime(2024, 1, 4, 8, 17, 56)),
        ("%d-%b-%Y", "04-JAN-2024", datetime(2024, 1, 4)),
        ("%m/%d/%Y %I:%M %p", "1/3/2024 12:05 AM", datetime(2024, 1, 3, 0, 5)),
        ("%m/%d/%Y %I:%M %p", "1/3/2024 13:05 AM", None),
        ("%Y-%m-%d %H", "2024-01-03 24", None),
        ("%Y%m%d", "2024\u0660\u0661\u0660\u0663", None),
        ("%Y%m%d", "2024-01-03", None),
        ("%s", "1704269876", datetime(2024, 1, 3, 8, 17, 56)),
    ],
)
def test_a_text_is_the_moment_that_people_mean(
    form: str, text: str, moment: datetime | None
) -> None:
    [found] = moments(
        Field("x", "datetime", "text", settings={"format": form}), pl.Series("x", [text])
    )
    assert found == moment


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("%q-%m-%Y", "unknown directive %q"),
        ("%G-W%V", r"no format reads weeks \(%G\)\. Write the first day of each as YYYY-MM-DD"),
        ("%Y-W%W-%w", r"no format reads weeks \(%W\)"),
        ("dd/mm/yyyy", "does not begin with a part of a date"),
        ("%d/%m", "has no year"),
        ("%Y", "has no month"),
        ("%Y-%m %H:%M", "has no day"),
        ("%Y-%m-%d %I:%M", "one of %I and %p"),
        ("%Y-%m-%d %y", "has the year twice"),
        ("%d%b%Y", "needs a mark between %d and %b"),
        ("%s %Y", "counts from 1970"),
        ("%d %bst %Y", "may be part of a name"),
    ],
)
def test_a_format_that_cannot_be_read_is_refused(form: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Datetime.Config(name="x", format=form)


def test_fractions_of_seconds_may_be_in_the_format() -> None:
    assert parse_format("%Y-%m-%d %H:%M:%S.%f") == parse_format("%Y-%m-%d %H:%M:%S")


def test_columns_of_several_formats_are_read_together() -> None:
    forms = ("%d.%m.%Y", "iso", "%d.%m.%Y", "%m/%d/%y")
    columns = [
        Datetime(Datetime.Config(name=str(at), format=form)) for at, form in enumerate(forms)
    ]
    texts = ("03.01.2024", "2024-01-03", "03.01.2024", "1/3/24")
    assert (
        len(
            {
                column._seconds(pl.Series([text]))[0]
                for column, text in zip(columns, texts, strict=True)
            }
        )
        == 1
    )


@pytest.mark.parametrize("entry", [{"order": "day_first"}, {"format": "%d/%m/%Y"}])
def test_formats_in_the_first_format_of_schemas_are_read(entry: dict[str, str]) -> None:
    field = Field("x", "datetime", "text", settings={"format": "%d/%m/%Y"})
    schema = Schema((field,), Target("y", "number"))
    document = json.loads(schema.dump())
    [written] = document["columns"]
    del written["settings"]
    written |= entry
    assert Schema.load(json.dumps(document)) == schema


def test_each_directive_is_in_a_tested_format() -> None:
    assert set(PIECES) <= set("".join(parse_format(form).directives for form in FORMATS))
