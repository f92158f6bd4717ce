"""The encoding of a file of separated values, found by looking at its bytes."""

import codecs
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import chardet

from onward.table.sources import _blocks
from onward.table.sources._dialect import UTF8

START = 4096  # bytes; in UTF-16 every other one is NUL, in most languages
LOOKED_AT = 200_000  # bytes of lines that are not ASCII
WESTERN = "cp1252"
KNOWN = (
    *(WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("koi8-r", "gb18030", "big5", "cp932", "cp949", "euc-jp", "mac_roman"),
)
"""Those that programs still write; Latin-1 is Windows-1252, but for bytes that are no letters."""
NAMES = {WESTERN: "windows-1252", "mac-roman": "mac_roman"}
CLOSE = 0.8  # of the confidence in the best: as good as it
SAMPLE = 3  # words in the reason
LONGEST = 30  # letters of each


@dataclass(frozen=True)
class Encoding:
    """How bytes become letters, and why."""

    name: str
    reasons: tuple[str, ...] = ()


def encoding_of(path: Path) -> Encoding:
    """The encoding of the file; UTF-8 where no other can be."""
    with _blocks.unpacked(path) as file:
        start = file.read(START)
    if start.startswith(_blocks.UTF16):
        return Encoding("utf-16", ("encoding: the file begins with the mark of UTF-16",))
    for encoding, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        if start[place::2].count(0) > len(start) / 4 > start[1 - place :: 2].count(0):
            return Encoding(encoding, ("encoding: every other byte is NUL",))
    line = _first_line_not_in(path, UTF8)
    return Encoding(UTF8) if line is None else _detected(path, line)


def _detected(path: Path, line: int) -> Encoding:
    sample = _lines_beyond_ascii(path)
    found = chardet.detect_all(
        sample, include_encodings=KNOWN, prefer_superset=True, compat_names=False
    )
    confidences = {each["encoding"]: each["confidence"] for each in found if each["encoding"]}
    best = max(confidences.values(), default=0.0)
    close = [name for name, confidence in confidences.items() if confidence >= CLOSE * best]
    close = [name for name in dict.fromkeys((WESTERN, *close)) if _is_possible(path, name)]
    texts = {name: sample.decode(name, "replace") for name in close}
    likely = [name for name in close if confidences.get(name, 0.0) >= CLOSE * best]
    if not likely:
        return Encoding(UTF8)
    name = max(likely, key=lambda encoding: _letters(texts[encoding]))  # the first of equals
    name = next(other for other in close if texts[other] == texts[name])
    shown = NAMES.get(name, name)
    others = [NAMES.get(other, other) for other in likely if texts[other] != texts[name]]
    reason = f"encoding: line {line} is no UTF-8; as {shown} the text has {_words(sample, name)}"
    if others:
        reason += f", as {others[0]} {_words(sample, others[0])}"
    return Encoding(shown, (f"{reason}: look whether that is right",))


def _is_possible(path: Path, encoding: str) -> bool:
    return _first_line_not_in(path, encoding) is None


def _letters(text: str) -> float:
    """The share of letters among the characters beyond ASCII."""
    beyond = [character for character in text if not character.isascii()]
    is_letter = [unicodedata.category(character)[0] in "LM" for character in beyond]
    return sum(is_letter) / max(1, len(beyond))


def _words(sample: bytes, encoding: str) -> str:
    """Some of the words that are not ASCII."""
    words = sample.decode(encoding, "replace").replace(",", " ").replace(";", " ").split()
    beyond = dict.fromkeys(word.strip("\"'")[:LONGEST] for word in words if not word.isascii())
    return ", ".join(map(repr, list(beyond)[:SAMPLE]))


def _lines_beyond_ascii(path: Path) -> bytes:
    lines: list[bytes] = []
    size = 0
    with _blocks.unpacked(path) as file:
        for line in file:
            if not line.isascii():
                lines.append(line)
                size += len(line)
            if size >= LOOKED_AT:
                break
    return b"".join(lines)


def _first_line_not_in(path: Path, encoding: str) -> int | None:
    """The first line that is not in the encoding, roughly; None if all are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with _blocks.unpacked(path) as file:
        while data := file.read(_blocks.SIZE):
            try:
                decoder.decode(data)
            except UnicodeDecodeError as error:
                return line + error.object.count(b"\n", 0, error.start)
            line += data.count(b"\n")
    return None
