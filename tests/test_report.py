"""The page stands alone, tells the truth in words, and holds whatever is in the data."""

import re
import runpy
import shutil
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
from finished_stages import ROWS, SHORTAGE, finish
from hypothesis import given
from hypothesis import strategies as st

from onward.errors import ArtifactError
from onward.report import charts
from onward.report.charts._drawing import draw
from onward.report.formatting import comparison, format_difference, format_metric, number
from onward.report.markup import Html, tag
from onward.stages import evaluate, report
from onward.tasks import charts as drawings
from onward.tasks.binary import Binary
from onward.tasks.charts import vega_lite
from onward.tasks.regression import Regression

CODE = 'B\\"+(1/0)+"'  # Vega has a language of expressions
EVIL = "<script>alert(\"1\")</script> & 'x' {{y}} " + CODE + "long" * 40
VOID = {"meta"}
METRICS = {**Binary.metrics, **Regression.metrics}
VARIABLES = {color.removeprefix("var(").removesuffix(")") for color in vega_lite.COLORS}


class Reader(HTMLParser):
    """Keeps tags, attributes and text; refuses elements that are not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(name)
        self.attributes += attributes
        if name not in VOID:
            self.open.append(name)

    def handle_startendtag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(name)
        self.attributes += attributes

    def handle_endtag(self, name: str) -> None:
        assert self.open.pop() == name

    def handle_data(self, text: str) -> None:
        self.texts.append(text)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def reported(folder: Path, task: str, *sensitive: str, **table: Any) -> Path:
    finish(folder, task, **table)
    evaluate.run(evaluate.Settings(sensitive=sensitive), folder)
    report.run(report.Settings(), folder)
    return folder / "report" / "report.html"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """An ordinary one, and ones whose names are as bad as can be; no test changes them."""

    def make(name: str, task: str, *sensitive: str, **table: Any) -> Path:
        return reported(tmp_path_factory.mktemp(name), task, *sensitive, **table)

    numbers = [f"number {place}" for place in range(60)]
    texts = [f"text {place}" for place in range(20)]
    fifty = [f"{EVIL} {code}" for code in range(50)]
    return {
        "binary": make("b", "binary", "city", "age", classes=("no", "yes")),
        "regression": make(
            "r", "regression", EVIL + "2", numbers=("age", EVIL), texts=(EVIL + "2",)
        ),
        "multiclass": make("m", "multiclass", "age", numbers=("age",), texts=(), classes=fifty),
        "wide": make("w", "regression", numbers=numbers, texts=texts, folds=5),
    }


every_page = pytest.mark.parametrize("name", ["binary", "regression", "multiclass", "wide"])


def test_a_handful_of_rows_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for rows in (1, 3):
        monkeypatch.setitem(ROWS, "test", rows)
        page = Reader(reported(tmp_path / str(rows), "binary", classes=("no", "yes")).read_text())
        assert f"The test set has {rows} row" in page.text
        assert ": too few to judge the model." in page.text
        assert "better than" not in page.text
        assert "are correct in" not in page.text


def test_what_the_splits_have_too_few_rows_for_is_on_the_first_screen(
    pages: Mapping[str, Path],
) -> None:
    text = Reader(pages["binary"].read_text()).text
    assert text.index(SHORTAGE) < text.index("Paired differences")
    assert SHORTAGE in (pages["binary"].parent / "model_card.md").read_text()


def test_the_run_is_told_in_words(pages: Mapping[str, Path]) -> None:
    text = Reader(pages["binary"].read_text()).text
    assert "123,456 rows/s" in text
    assert "bfloat16: this cpu multiplies bfloat16 faster" in text
    assert "20.0 % of the time was spent on validation (" in text


def test_a_run_that_nobody_measured_has_a_page(pages: Mapping[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(pages["regression"].parents[1], tmp_path / "run"))
    (folder / "train" / "speed.json").unlink()
    report.run(report.Settings(), folder)
    assert "bfloat16" in pages["regression"].read_text()
    assert "bfloat16" not in (folder / "report" / "report.html").read_text()


def test_the_page_says_what_changed_since_the_run_before(
    pages: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(pages["binary"].parents[1], tmp_path / "run"))
    assert "Change since the previous run" not in Reader(pages["binary"].read_text()).text
    monkeypatch.setitem(ROWS, "test", 50)
    page = Reader(reported(folder, "binary", classes=("no", "yes")).read_text())
    assert "Change since the previous run" in page.text
    assert "other test rows" in page.text


@every_page
def test_the_page_needs_nothing_else(pages: Mapping[str, Path], name: str) -> None:
    page = Reader(pages[name].read_text())
    assert not {"script", "link", "img", "iframe", "object", "base"} & {*page.tags}
    links = {value for key, value in page.attributes if key in {"href", "src", "xlink:href"}}
    assert all(link is not None and link.startswith("#") for link in links)
    assert not re.search(r"url\(|@import", pages[name].read_text())


@every_page
def test_names_in_the_data_stay_text(pages: Mapping[str, Path], name: str) -> None:
    page = Reader(pages[name].read_text())
    assert "<script" not in pages[name].read_text()
    if name in {"regression", "multiclass"}:
        assert '<script>alert("1")</script>' in page.text
    assert not [key for key, _ in page.attributes if key.startswith("on")]


@pytest.mark.parametrize(
    "name", [CODE, "line\nfeed", "'\\", "${1/0}", "\u2028\0\ud800", "datum['a']"]
)
def test_names_in_a_chart_are_no_code(name: str) -> None:
    spec = {
        "data": {"values": [{"a": 1, "b": name}]},
        "mark": "point",
        "encoding": {
            "x": {"field": "a", "type": "quantitative", "title": name},
            "y": {"field": "b", "type": "nominal", "title": name, "sort": [name]},
            "color": {"field": "b", "type": "nominal", "scale": {"domain": [name]}},
        },
    }
    assert "<svg" in draw(name, [spec])


@every_page
def test_links_lead_to_sections(pages: Mapping[str, Path], name: str) -> None:
    page = Reader(pages[name].read_text())
    places = {value for key, value in page.attributes if key == "id"}
    links = [value for key, value in page.attributes if key == "href"]
    assert links
    assert {link.removeprefix("#") for link in links if link} <= places


@every_page
def test_each_chart_says_what_it_is(pages: Mapping[str, Path], name: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", pages[name].read_text(), re.DOTALL)
    assert len(drawings) > 5
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.get("role") == "img"
        assert root.get("aria-label")


@every_page
def test_colors_are_those_of_the_page(pages: Mapping[str, Path], name: str) -> None:
    text = pages[name].read_text()
    drawn = {*re.findall(r"(?:fill|stroke)=\"([^\"]*)\"", text)}
    assert drawn <= {*vega_lite.COLORS, "none", "transparent"}
    for variable in VARIABLES:
        assert text.count(f"{variable}: #") == 3  # light, dark, paper


def test_the_page_says_what_became_of_rows_and_values(pages: Mapping[str, Path]) -> None:
    text = next(iter(pages.values())).read_text(encoding="utf-8")
    section = text[text.index('id="data-quality"') : text.index('id="use-the-model"')]
    for cell in (
        "against 7 rules",
        "without duplicates",
        "age: &#x27;&lt;b&gt;&#x27;",
        "41",
        "995",
        "alone explains 97.1%",
    ):
        assert cell in section


def section(page: Path, name: str) -> str:
    """Text of one section."""
    found = re.search(f'<section id="{name}">.*?</section>', page.read_text(), re.DOTALL)
    return Reader(found.group()).text if found else ""


def test_groups_of_sensitive_columns_are_compared(pages: Mapping[str, Path]) -> None:
    text = section(pages["binary"], "fairness")
    plots = pages["binary"].parents[1] / "evaluate" / "plots"
    for line in pl.read_parquet(plots / "fairness.parquet").to_dicts():
        assert f"{line['rows']} {line['base_rate']:.1%}".replace("%", " %") in text
    assert "By city: selected is yes" in text
    assert "By age: selected is yes" in text
    assert "selected is" in section(pages["multiclass"], "fairness")
    assert "mean residual" in section(pages["regression"], "fairness")
    assert "Fairness" not in Reader(pages["wide"].read_text()).text


def test_worst_rows_stand_on_the_page_as_they_are_in_the_table(pages: Mapping[str, Path]) -> None:
    plots = pages["regression"].parents[1] / "evaluate" / "plots"
    text = section(pages["regression"], "slices")
    values = pl.read_parquet(plots / "worst_values.parquet")["value"].drop_nulls()
    assert len(values) > 40
    assert all(value in text for value in values)


def test_the_page_names_slices_that_are_worse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ROWS, "test", 500)
    page = reported(tmp_path, "binary", classes=("no", "yes"))
    slices = pl.read_parquet(page.parents[1] / "evaluate" / "plots" / "slices.parquet")
    worse = slices.filter(pl.col("rate") <= 0.05)
    assert len(worse) > 1  # the network has not learned
    text = section(page, "slices")
    assert f"in {len(worse)} of {len(slices)} slices" in text
    first = slices.row(0, named=True)
    assert f"{first['column']}: {first['slice']} {first['rows']}" in text


def test_the_page_says_what_was_dropped(pages: Mapping[str, Path]) -> None:
    reader = Reader(pages["binary"].read_text())
    text = reader.text
    assert "Column selection" in text
    assert "That holds for 4 of 6 columns." in text
    assert "the 6, 4 and 2 most important columns" in text
    assert "<b>noise</b> 0.0010 \u22120.0123 to 0.0143" in " ".join(text.split())
    assert ("aria-label", "Validation loss by number of columns") in reader.attributes


def test_a_wide_table_folds_its_columns_away(pages: Mapping[str, Path]) -> None:
    page = Reader(pages["wide"].read_text())
    assert "41 more columns" in page.text
    assert "text 19" in page.text
    assert page.text.count("... and 71 more columns") == 2  # in code that uses the file


def test_networks_of_folds_have_no_epoch_in_common(pages: Mapping[str, Path]) -> None:
    page = Reader(pages["wide"].read_text()).text
    assert "the predictions of 5 networks, each of which learned without another fold" in page
    assert "Out of fold, the loss is 0.375." in page
    assert "The weights are those of epoch" not in page
    assert "fold 5" in page  # whose time it is
    card = (pages["wide"].parent / "model_card.md").read_text()
    assert "rows in 5 folds" in card
    assert "9 epochs" not in card


def test_the_page_says_what_was_measured(pages: Mapping[str, Path]) -> None:
    page = Reader(pages["binary"].read_text())
    for words in ("Predictions of outcome are correct in", "a constant", "test set of 60 rows"):
        assert words in page.text
    assert "every row has another value" in page.text
    assert "0" * 64 in page.text  # the hash of the data


def test_the_page_is_the_same_when_written_again(pages: Mapping[str, Path]) -> None:
    before = pages["binary"].read_bytes()
    report.run(report.Settings(), pages["binary"].parents[1])
    assert pages["binary"].read_bytes() == before


@pytest.mark.parametrize("name", ["binary", "regression"])
def test_the_code_on_the_page_runs(
    pages: Mapping[str, Path], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = re.findall(r"<code>(.*?)</code>", pages[name].read_text(), re.DOTALL)
    monkeypatch.chdir(pages[name].parents[1] / "export")
    found = []
    for place, code in enumerate(codes[:2]):
        path = tmp_path / f"code_{place}.py"
        path.write_text(Reader(f"<code>{code}</code>").text)
        found.append(runpy.run_path(str(path)))
    ours, bare = found
    predicted = ours["predict"]([ours["row"]])
    for output, values in predicted.items():
        assert values.tolist() == bare[output].tolist()


def test_a_stage_that_has_not_run_is_named(tmp_path: Path) -> None:
    finish(tmp_path, "regression")
    with pytest.raises(ArtifactError, match="onward evaluate"):
        report.run(report.Settings(), tmp_path)
    assert not (tmp_path / "report").exists()


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\x00")))
def test_text_comes_back_as_it_was(text: str) -> None:
    page = Reader(tag("p", text, tag("b", text), title=text))
    assert "".join(page.texts) == text * 2
    assert page.attributes == [("title", text)]
    assert isinstance(tag("p", text), Html)


@given(st.floats(-1e300, 1e300))
def test_numbers_keep_three_digits(value: float) -> None:
    shown = float(number(value).replace(",", "").replace("\u2212", "-"))
    assert shown == pytest.approx(value, rel=0.006)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("accuracy", 0.8634, "86.3 %"),
        ("auc", 0.91579, "0.916"),
        ("r2", -3e-6, "0.000"),
        ("rmse", 49983.2, "49,983"),
        ("rmse", 2007.0, "2007"),
        ("rmse", 3.2e-5, "3.20e\u221205"),
        ("auc", None, "undefined"),
    ],
)
def test_metrics_are_shown_in_their_unit(name: str, value: float | None, shown: str) -> None:
    assert format_metric(METRICS[name], value) == shown


@pytest.mark.parametrize(
    ("name", "difference", "shown"),
    [
        ("accuracy", 0.0213, "+2.1 pp"),
        ("auc", -0.0184, "\u22120.018"),
        ("rmse", 10430.2, "+10,430"),
        ("rmse", 0.0, "0"),
        ("auc", None, "undefined"),
    ],
)
def test_differences_have_the_unit_of_their_metric(
    name: str, difference: float | None, shown: str
) -> None:
    assert format_difference(METRICS[name], difference) == shown


@pytest.mark.parametrize(
    ("difference", "sign", "words"),
    [
        ((0.02, 0.01, 0.03), 1, "better than"),
        ((0.02, 0.01, 0.03), -1, "worse than"),
        ((-0.02, -0.03, -0.01), -1, "better than"),
        ((0.02, -0.01, 0.05), 1, "about as good as"),
        ((0.0, 0.0, 0.0), 1, "about as good as"),
        ((None, None, None), 1, "not comparable with"),
    ],
)
def test_a_comparison_is_as_sure_as_the_interval_of_the_difference(
    difference: tuple[float | None, ...], sign: int, words: str
) -> None:
    ends = dict(zip(("value", "lower", "upper"), difference, strict=True))
    assert comparison(ends, sign) == words


def test_one_epoch_is_a_point() -> None:
    drawing = charts.learning_curves([{"epoch": 1, "train/loss": 0.5, "validation/loss": 0.4}])
    assert ElementTree.fromstring(drawing).get("aria-label")


def test_a_skewed_target_gets_logarithmic_axes() -> None:
    values = [10.0**power for power in range(6)]
    table = pl.DataFrame({"actual": values, "predicted": values, "residual": [0.0] * 6})
    labels = re.findall(r">([^<>]+)</text>", charts.svg(drawings.predicted_values(table, "price")))
    assert {"1", "10", "100", "1k", "10k", "100k"} <= {*labels}


def test_years_are_written_in_full() -> None:
    years = pl.DataFrame({"number": [1990.0, 2000.0, 2010.0], "place": [0, 1, 2]})
    means = years.with_columns(kind=pl.lit("number"), value=None, output=pl.lit("y"), mean=1.0)
    lines = pl.DataFrame({"place": [0], "line": [0], "prediction": [1.0]})
    drawing = charts.dependence(means, lines, years.select("number"), "predicted y")
    assert {"1990", "2000", "2010"} <= {*re.findall(r">([^<>]+)</text>", drawing)}


def test_errors_of_a_skewed_target_are_ratios() -> None:
    table = pl.DataFrame({"actual": [1.0, 1e4], "predicted": [2.0, 1e4], "residual": [-1.0, 0.0]})
    assert "actual / predicted" in charts.svg(drawings.residuals(table, "price"))
    assert "actual minus predicted" in charts.svg(drawings.residuals(table + 1e6, "price"))


def test_bars_of_a_histogram_are_as_high_as_their_counts() -> None:
    drawing = charts.histogram({"edges": [0, 1, 2, 3], "counts": [10, 5, 0]}, "price")
    heights = [float(path) for path in re.findall(r'd="M[^hv]*h[0-9.]+v([0-9.]+)h', drawing)]
    bars = heights[-3:]
    assert bars[0] == pytest.approx(2 * bars[1])
    assert bars[2] == 0
