"""What people export is called what it is: one test for each kind of surprise."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from onward.artifacts.prepared import Prepared
from onward.cli._config import config
from onward.cli._project import Project
from onward.errors import DataError
from onward.quality.type_inference import Guess, infer, infer_target
from onward.schema import Field
from onward.settings.config import section
from onward.stages import prepare
from onward.table.sources import Source

ROWS = 400
START = datetime(2023, 1, 1, 8, 17, 56)
DAYS = [START + timedelta(days=row * 37 % 700, hours=row % 24) for row in range(ROWS)]
NUMBERS = [f"{row * 7919 % 1000 / 10 + 0.05:.2f}" for row in range(ROWS)]


def guess(values: list[Any], name: str = "x") -> Guess:
    return infer(pl.DataFrame({name: values}, strict=False))[0]


def with_share(values: list[str], mark: str, share: float) -> list[str]:
    draw = random.Random(mark)
    return [mark if draw.random() < share else value for value in values]


@pytest.mark.parametrize(
    "form",
    [
        *("%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%Y/%m/%d"),
        *("%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%Y%m%d", "%Y-%m", "%d-%m-%Y %H:%M"),
        *("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H", "%m/%d/%Y %I:%M %p", "%Y%m%dT%H%M%S"),
        *("%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y", "%Y-%m-%d %H:%M:%S,5"),
    ],
)
def test_dates_of_the_field_are_dates_and_say_their_format(form: str) -> None:
    found = guess([day.strftime(form) for day in DAYS])
    assert found.type == "datetime", found.reason
    assert found.settings["format"] == form.replace("%S,5", "%S")


@pytest.mark.parametrize("zone", ["+00", "+0000", " +02:00", "-05"])
def test_offsets_of_databases_are_read(zone: str) -> None:
    found = guess([day.strftime("%Y-%m-%d %H:%M:%S.25") + zone for day in DAYS])
    blank = " " if zone.startswith(" ") else ""
    assert found.settings == {"format": f"%Y-%m-%d %H:%M:%S{blank}%z"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["01-02-2024", "03-04-2024"], '`format: "%d-%m-%Y"` or `format: "%m-%d-%Y"`'),
        (["2024-W03", "2024-W04"] * 9, "ISO weeks such as '2024-W03', which no `format` reads"),
        (["18.00.00", "01.30.00"] * 9, "times of day such as '18.00.00'"),
        (["04JAN2024", "05JAN2024"] * 9, "write them as YYYY-MM-DD"),
        (["4. Januar 2024", "5. März 2024"] * 9, "dates in words"),
        (["Nov 1, 2024", "2024-11-02", "3/4/2024"], "'Nov 1, 2024' in row 1 and '2024-11-02' in"),
    ],
)
def test_dates_that_nobody_can_read_are_left_out_by_name(values: list[str], reason: str) -> None:
    found = guess(values)
    assert found.type == ""
    assert reason in found.reason


def test_few_odd_dates_are_named_with_their_row_and_the_remedy() -> None:
    values = [day.strftime("%d.%m.%Y") for day in DAYS]
    values[13] = "31.02.2024"
    found = guess(values)
    assert found.type == "datetime"
    assert "except 1 text, '31.02.2024' in row 14, which `prepare` refuses" in found.reason
    assert "malformed: missing" in found.reason


def test_a_date_that_stands_for_never_is_missing() -> None:
    values = [f"{day:%Y-%m-%d}" for day in DAYS]
    assert guess(with_share(values, "9999-12-31", 0.3)).missing == ("9999-12-31",)
    assert guess(with_share(values, "0000-00-00", 0.6)).missing == ("0000-00-00",)


@pytest.mark.parametrize("unit", ["s", "ms"])
def test_seconds_since_1970_are_proposed(unit: str) -> None:
    factor = 1000 if unit == "ms" else 1
    found = guess([str(int(day.timestamp()) * factor) for day in DAYS])
    assert found.type == "numerical"
    form = {"s": "%s", "ms": "%Q"}[unit]
    assert f'if so: type: datetime, format: "{form}"' in found.reason


@pytest.mark.parametrize("share", [0.01, 0.3, 0.8])
@pytest.mark.parametrize(
    "mark",
    [r"\N", "None", "<NA>", "(null)", "nil", "missing", "--", ".", "NULL", "n/a", "NaN", "NaT"],
)
def test_marks_of_missing_values_are_found_at_any_share(mark: str, share: float) -> None:
    found = guess(with_share(NUMBERS, mark, share))
    assert (found.type, found.missing) == ("numerical", (mark,))
    assert f"written {mark!r}" in found.reason
    flags = guess(with_share(["True", "False"] * 200, mark, share))
    assert (flags.type, flags.missing) == ("boolean", (mark,))


@pytest.mark.parametrize(
    "number", ["-999", "9999", "2147483647", "-2147483648", "32767", "1e20", "99999.0", "1e+30"]
)
def test_numbers_that_stand_for_missing_are_found(number: str) -> None:
    assert guess(with_share(NUMBERS, number, 0.05)).missing == (number,)


@pytest.mark.parametrize(
    "numbers", [["99", "3", "17", "42", "8", "60"], ["150", "9999", "3000"] * 2]
)
def test_numbers_that_are_near_the_others_are_none_that_stand_for_missing(
    numbers: list[str],
) -> None:
    assert guess(numbers * 9).missing == ()


@pytest.mark.parametrize(
    "odd",
    ["12..5", "1O.5", "#DIV/0", "Total: 120", "1/2", "10-20", "2024-01-05", "$12", "0x1F", "007"],
)
def test_one_odd_cell_among_numbers_is_named_with_its_row(odd: str) -> None:
    values = [*NUMBERS * 5]
    values[13] = odd
    found = guess(values)
    assert found.type == "numerical"
    assert f"except 1 text, {odd!r} in row 14, which `prepare` refuses" in found.reason


@pytest.mark.parametrize("footer", ["Total", "Grand total:", "Summe", "TOTAL (400 rows)"])
def test_a_footer_is_named(footer: str) -> None:
    expected = f"the last row is {footer!r}: remove it"
    assert expected in guess([*["red", "blue"] * 200, footer]).reason
    assert expected in guess([*NUMBERS, footer]).reason
    assert expected not in guess(["red", footer] * 200).reason


def test_numbers_that_are_names_among_names_stay_categories() -> None:
    found = guess(["0", "1", "2", "3+", "0", "1"] * 50)
    assert found.type == "categorical"


@pytest.mark.parametrize(
    ("written", "number"),
    [("(57)", -57), ("57-", -57), ("\u221257", -57), ("1e21", 1e21), ("57.5-", -57.5)],
)
def test_spellings_of_numbers_are_read(written: str, number: float, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        "x,y\n" + "\n".join(f"{written if row == 3 else row / 4},1" for row in range(50))
    )
    [field] = [found for found in infer(Source.for_path(path).head(50)) if found.name == "x"]
    assert field.type == "numerical", field.reason
    assert "except" not in field.reason
    assert not field.missing or written == "1e21"  # far from all others
    read = Source.for_path(path).scan([Field("x", "numerical", "number")]).collect()["x"]
    assert read[3] == number


@pytest.mark.parametrize(
    ("texts", "units"),
    [
        (["$4.99", "0", "$12.5"], {"$": 1, "": 1}),
        (["1.5M", "340k", "900"], {"M": 1, "k": 1e-3, "": 1e-6}),
        (["€110.5M", "€600K", "€0"], {"€M": 1, "€K": 1e-3, "€": 1e-6}),
        (["45%", "0", "7.5%"], {"%": 1, "": 1}),
        (["12,50 €", "7,25 €", "0,99 €"], {"€": 1}),
        (["($1,250.10)", "$8.35", "($0.55)"], {"$": 1}),
        (["1\u202f250,10", "8,35", "0,55"], {"": 1}),
    ],
)
def test_money_and_thousands_are_quantities(texts: list[str], units: dict[str, float]) -> None:
    values = [text.replace("5", str(row % 10)) for row in range(100) for text in texts]
    found = guess(values)
    assert found.type == "quantity", found.reason
    factors: Any = found.settings["units"]
    base = next(iter(units))
    assert {unit: factor / factors[base] for unit, factor in factors.items()} == pytest.approx(
        units
    )


@pytest.mark.parametrize("name", ["Unnamed: 0", "__index_level_0__", "level_0", "rowid", "index"])
def test_the_index_of_a_frame_is_left_out(name: str) -> None:
    found = guess([str(row * 53 + row % 7) for row in range(ROWS)], name)
    assert found.type == ""
    assert "the name of an index" in found.reason


@pytest.mark.parametrize("name", ["order_id", "ticket_number", "Customer No"])
def test_numbers_of_orders_are_left_out(name: str) -> None:
    assert guess([str(row * 7919 % 99_991) for row in range(ROWS)], name).type == ""


@pytest.mark.parametrize("name", ["flight_number", "store", "line"])
def test_whole_numbers_that_name_something_are_categories(name: str) -> None:
    found = guess([str(row % 20 * 37) for row in range(ROWS)], name)
    assert (found.type, found.settings) == ("categorical", {"values": "integer"})
    assert "type: numerical" in found.reason


@pytest.mark.parametrize(
    "values",
    [
        ["1.0M", "10M"],
        ["A", "A+"],
        ["C", "C++"],
        ["C#", "C"],
        ["-5", "5"],
        ["1-0", "10"],
        ["B-", "B"],
    ],
)
def test_marks_that_mean_something_are_no_spellings(values: list[str]) -> None:
    found = infer_target(pl.Series("y", [*values, "other"] * 9))
    assert found.spellings == {}


COLLIDING = [
    *("count", "index", "literal", "len", "rows", "row", "found", "key", "name"),
    *("unit", "number", "date", "all", "inputs", "target"),
]
KINDS: dict[str, Callable[[random.Random], str]] = {
    "category": lambda draw: draw.choice(["red", "green", "blue"]),
    "number": lambda draw: f"{draw.random():.3f}",
    "date": lambda draw: f"{draw.choice(DAYS):%d.%m.%Y}",
    "quantity": lambda draw: f"{draw.randrange(10, 99)}.5 kg",
    "boolean": lambda draw: draw.choice(["yes", "no"]),
}


def colliding(names: list[str], kind: str) -> Path:
    """A table with columns of these names, a target and a number."""
    columns: dict[str, Any] = {"y": ["a", "b"] * (ROWS // 2), "km": NUMBERS}
    for name in names:
        draw = random.Random(name)
        columns[name] = [KINDS[kind](draw) for _ in range(ROWS)]
    pl.DataFrame(columns).write_csv("table.csv")
    return Path("table.csv")


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_of_a_column_collides_with_ours(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = _prepared(colliding(COLLIDING, kind), "y")
    assert {*COLLIDING} <= {*found.columns}
    assert len(found) == ROWS


@pytest.mark.parametrize("name", COLLIDING)
def test_no_name_of_a_target_collides_with_ours(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = _prepared(colliding([name], "category"), name)
    assert name in found.columns
    assert len(found) == ROWS


def test_the_index_that_pandas_writes_without_a_name_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [f"{row},{number},{'ab'[row % 3 == 1]},," for row, number in enumerate(NUMBERS)]
    Path("table.csv").write_text("\n".join([",km,y,,", *lines]))
    project = Project.of(Path("table.csv"), "y", None)
    reasons = {column.name: column.reason for column in project.columns if not column.type}
    assert reasons.keys() == {"Unnamed: 0", "Unnamed: 3", "Unnamed: 4"}
    assert "the name of an index" in reasons["Unnamed: 0"]
    assert reasons["Unnamed: 3"] == "all values are missing"
    assert _prepared(Path("table.csv"), "y").columns == ["km", "y"]


def test_whole_floats_are_classes_in_any_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = pl.DataFrame({"km": [row * 1.1 for row in range(ROWS)], "y": [0.0, 1.0] * 200})
    frame.write_parquet("table.parquet")
    frame.write_ndjson("table.jsonl")
    for name in ("table.parquet", "table.jsonl"):
        assert sorted(_prepared(Path(name), "y")["y"].unique()) == ["0", "1"]


def _prepared(table: Path, target: str) -> pl.DataFrame:
    """The rows of all splits, prepared as `onward init` writes."""
    text = config(Project.of(table, target, None)).replace("data/", "")
    Path("config.yaml").write_text(text)
    prepare.run(section(Path("config.yaml"), "prepare", prepare.Settings), Path("artifacts"))
    done = Prepared(Path("artifacts/prepare"))
    parts = [done.rows(split).collect() for split in ("train", "validation", "test")]
    return pl.concat(parts)


@pytest.mark.parametrize(
    "values",
    [
        pl.Series("y", [[1], [2]]),
        pl.Series("y", [[1.0], [2.0]], pl.Array(pl.Float64, 1)),
        pl.Series("y", [{"a": 1}, {"a": 2}]),
        pl.Series("y", [b"a", b"b"]),
        pl.Series("y", [1, 2], pl.Duration("us")),
        pl.Series("y", [1, 2], pl.Time),
    ],
)
def test_a_target_of_a_type_without_numbers_and_classes_is_refused(values: pl.Series) -> None:
    with pytest.raises(DataError, match=r"target 'y': holds .* neither numbers nor classes"):
        infer_target(pl.concat([values] * 9))
