"""Detection of the encoding of a file of separated values."""

import codecs
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import chardet

from onward.table.sources import _blocks
from onward.table.sources._dialect import UTF8

UTF16_SAMPLE = 4096  # bytes; in UTF-16 every other one is NUL for most languages
MAX_SAMPLE = 200_000  # bytes of non-ASCII lines to read
WESTERN = "cp1252"
ENCODINGS = (
    *(WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("koi8-r", "gb18030", "big5", "cp932", "cp949", "euc-jp", "mac_roman"),
)
"""Encodings still in use; Windows-1252 covers Latin-1, except for control characters."""
HIDING = ("cp932", "big5", "gb18030")
"""Encodings whose letters may end with the byte of ``|``."""
NAMES = {WESTERN: "windows-1252", "mac-roman": "mac_roman"}
EQUAL_CONFIDENCE = 0.8  # share of the best confidence; encodings above it are equally likely
EXAMPLE_WORDS = 3  # example words in a reason
MAX_LETTERS = 30  # letters of each


@dataclass(frozen=True)
class Encoding:
    """An encoding, and the reasons for it."""

    name: str
    reasons: tuple[str, ...] = ()


def encoding_of(path: Path) -> Encoding:
    """The encoding of the file; UTF-8 by default."""
    with _blocks.open_unpacked(path) as file:
        start = file.read(UTF16_SAMPLE)
    if start.startswith(_blocks.UTF16):
        return Encoding("utf-16", ("encoding: the file begins with the byte order mark of UTF-16",))
    for encoding, odd in (("utf-16-le", 1), ("utf-16-be", 0)):
        if start[odd::2].count(0) > len(start) / 4 > start[1 - odd :: 2].count(0):
            return Encoding(encoding, ("encoding: every other byte is NUL",))
    line = _first_line_not_in(path, UTF8)
    return Encoding(UTF8) if line is None else _detect(path, line)


def _detect(path: Path, line: int) -> Encoding:
    sample = _lines_beyond_ascii(path)
    candidates = chardet.detect_all(
        sample, include_encodings=ENCODINGS, prefer_superset=True, compat_names=False
    )
    confidences = {
        candidate["encoding"]: candidate["confidence"]
        for candidate in candidates
        if candidate["encoding"]
    }
    best = max(confidences.values(), default=0.0)
    close = [
        name for name, confidence in confidences.items() if confidence >= EQUAL_CONFIDENCE * best
    ]
    close = [name for name in dict.fromkeys((WESTERN, *close)) if _is_possible(path, name)]
    texts = {name: sample.decode(name, "replace") for name in close}
    likely = [name for name in close if confidences.get(name, 0.0) >= EQUAL_CONFIDENCE * best]
    if not likely:
        return Encoding(UTF8)
    name = max(likely, key=lambda encoding: _letters(texts[encoding]))  # the first of ties
    name = next(other for other in close if texts[other] == texts[name])
    others = [other for other in likely if texts[other] != texts[name]]
    return _shown(f"line {line} is not UTF-8", sample, [name, *others])


def encodings_that_hide(path: Path, mark: str) -> Iterator[Encoding]:
    """Those in which some bytes of the ASCII character are parts of letters, the strictest first.

    The second byte of ポ is that of ``|`` in Shift-JIS. Nearly all bytes are valid in GB 18030,
    fewer in the others, so that a file which fits them is more likely theirs.
    """
    sample = _lines_beyond_ascii(path)
    hiding = [
        name
        for name in HIDING
        if sample.decode(name, "replace").count(mark) < sample.count(mark.encode())
        and _is_possible(path, name)
    ]
    for index, name in enumerate(hiding):
        why = f"each row has as many fields only as {name}"
        yield _shown(why, sample, [name, *hiding[index + 1 :]])


def _shown(why: str, sample: bytes, names: Sequence[str]) -> Encoding:
    """The first of the encodings, with examples of the text in it and in the second."""
    shown = [NAMES.get(name, name) for name in names]
    reason = f"encoding: {why}; as {shown[0]} the text has {_words(sample, names[0])}"
    if len(names) > 1:
        reason += f", as {shown[1]} {_words(sample, names[1])}"
    return Encoding(shown[0], (f"{reason}: look whether that is right",))


def _is_possible(path: Path, encoding: str) -> bool:
    return _first_line_not_in(path, encoding) is None


def _letters(text: str) -> float:
    """The share of letters among the non-ASCII characters."""
    beyond = [character for character in text if not character.isascii()]
    is_letter = [unicodedata.category(character)[0] in "LM" for character in beyond]
    return sum(is_letter) / max(1, len(beyond))


def _words(sample: bytes, encoding: str) -> str:
    """Some non-ASCII words."""
    words = re.split(r"[\s,;|]+", sample.decode(encoding, "replace"))
    beyond = dict.fromkeys(word.strip("\"'")[:MAX_LETTERS] for word in words if not word.isascii())
    return ", ".join(map(repr, list(beyond)[:EXAMPLE_WORDS]))


def _lines_beyond_ascii(path: Path) -> bytes:
    lines: list[bytes] = []
    size = 0
    with _blocks.open_unpacked(path) as file:
        for line in file:
            if not line.isascii():
                lines.append(line)
                size += len(line)
            if size >= MAX_SAMPLE:
                break
    return b"".join(lines)


def _first_line_not_in(path: Path, encoding: str) -> int | None:
    """The approximate first line outside the encoding; None if all lines fit."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with _blocks.open_unpacked(path) as file:
        while data := file.read(_blocks.SIZE):
            try:
                decoder.decode(data)
            except UnicodeDecodeError as error:
                return line + error.object.count(b"\n", 0, error.start)
            line += data.count(b"\n")
    return None
