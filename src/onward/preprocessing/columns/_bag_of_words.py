"""Bag of words of short texts."""

import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from onward.preprocessing.graph import Graph, Value

LONGEST = 16  # words of a text that are looked at one by one; what follows is one more
LEAST = 3  # rows; a rarer word adds no information to the value


@dataclass(frozen=True)
class Words:
    """For each frequent word, 1 if a text contains it, otherwise 0.

    Words are separated by blanks, without surrounding punctuation, ignoring case. Unseen values
    share the words of known ones.
    """

    all: tuple[str, ...]
    codes: Mapping[str, int]
    """Of the forms of each word."""

    @classmethod
    def learn(cls, rows: Mapping[str, int], most: int) -> "Words":
        """Learn the ``most`` most frequent words.

        Args:
            rows: the number of training rows of each text.
            most: the number of words.
        """
        counts: Counter[str] = Counter()
        forms: dict[str, str] = {}
        for text, number in rows.items():
            words = {form: _word(form) for form in _pieces(text) if _word(form)}
            counts.update(dict.fromkeys(words.values(), number))
            forms |= words
        frequent = sorted(word for word, number in counts.items() if number >= LEAST)
        frequent.sort(key=counts.__getitem__, reverse=True)
        indices = {word: index for index, word in enumerate(frequent[:most])}
        codes = {form: indices[word] for form, word in sorted(forms.items()) if word in indices}
        return cls(tuple(indices), codes)

    def encode(self, graph: Graph, texts: Value) -> Value:
        """Float32 ``(rows, words)`` from texts ``(rows, 1)``."""
        pieces, _ = graph.outputs("StringSplit", texts, count=2, maxsplit=LONGEST)
        codes = graph(
            "LabelEncoder",
            graph("Squeeze", pieces, graph.constant([1], "int64")),
            domain="ai.onnx.ml",
            keys_strings=list(self.codes),
            values_int64s=list(self.codes.values()),
            default_int64=len(self.all),  # out of range: OneHot makes zeros of it
        )
        depth, values = graph.constant(len(self.all), "int64"), graph.constant([0, 1], "float32")
        has = graph("OneHot", codes, depth, values)  # (rows, pieces, words)
        counts = graph("ReduceSum", has, graph.constant([1], "int64"), keepdims=0)
        return graph("Min", counts, graph.constant(1, "float32"))


def _pieces(text: str) -> list[str]:
    """As StringSplit has them."""
    pieces = [piece for piece in text.split(" ") if piece]
    return [*pieces[:LONGEST], " ".join(pieces[LONGEST:])]


def _word(form: str) -> str:
    return form.strip(string.punctuation).casefold()
