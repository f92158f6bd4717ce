"""Encodings that programs still write are found, shown, and obeyed."""

import random
from pathlib import Path

import pytest

from onward.cli._project import Project
from onward.table.sources import Source

TEXTS = dict(
    paragraph.split("\n", 1)
    for paragraph in Path(__file__).with_name("encodings.txt").read_text().strip().split("\n\n")
)
"""A header and three rows in each language."""
ENCODINGS = [
    *(("Russian", "cp1251"), ("Russian", "koi8-r"), ("Polish", "cp1250"), ("Czech", "cp1250")),
    *(("Greek", "cp1253"), ("Turkish", "cp1254"), ("Hebrew", "cp1255"), ("Arabic", "cp1256")),
    *(("Lithuanian", "cp1257"), ("Chinese", "gbk"), ("Taiwanese", "big5"), ("Korean", "euc_kr")),
    *(("Japanese", "shift_jis"), ("German", "cp1252"), ("French", "cp1252"), ("Spanish", "cp1252")),
    *(("German", "mac_roman"), ("French", "mac_roman"), ("German", "latin-1")),
]


@pytest.mark.parametrize("rows", [12, 300])
@pytest.mark.parametrize(("language", "encoding"), ENCODINGS)
def test_the_text_is_read_and_shown_for_a_person_to_judge(
    language: str, encoding: str, rows: int, tmp_path: Path
) -> None:
    draw = random.Random(rows)
    header, *lines = TEXTS[language].splitlines()
    body = [f"{draw.choice(lines)};{draw.random():.3f};{row % 2}" for row in range(rows)]
    text = "\n".join([f"{header};km;y", *body])
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))

    project = Project.of(path, "y", None)

    frame = Source.open(project.source.config).head(rows)
    first, second = header.split(";")
    assert frame.columns == [first, second, "km", "y"]
    assert frame[first].to_list() == [line.split(";")[0] for line in body]
    reason = next(reason for reason in project.source.reasons if reason.startswith("encoding"))
    assert "look whether that is right" in reason
    assert any(
        f"'{word}" in reason for line in (header, *lines) for word in line.replace(";", " ").split()
    )


def test_utf8_is_never_taken_for_anything_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    for text in TEXTS.values():
        path.write_text(text, encoding="utf-8")
        assert not [r for r in Source.infer_config(path).reasons if r.startswith("encoding")]


@pytest.mark.parametrize(
    ("text", "encoding"), [("\u2212$", "shift_jis"), ("ポ", "shift_jis"), ("四", "big5")]
)
def test_a_letter_with_the_byte_of_the_delimiter_divides_no_field(
    text: str, encoding: str, tmp_path: Path
) -> None:
    assert b"|" in text.encode(encoding)
    rows = [f"{n * 37 % 90}.{n % 7}|{text}{n * 7919 % 90000}|{'ab'[n % 2]}" for n in range(60)]
    path = tmp_path / "table.csv"
    path.write_bytes("\n".join(["km|name|y", *rows]).encode(encoding))

    sniffed = Source.infer_config(path)

    source = Source.open(sniffed.config)
    assert (source.num_rows(), source.names()) == (60, ["km", "name", "y"])
    [reason] = [reason for reason in sniffed.reasons if reason.startswith("encoding")]
    assert "each row has as many fields only as" in reason
    assert f"'{source.head(60)['name'][0]}'" in reason
    assert "look whether that is right" in reason
