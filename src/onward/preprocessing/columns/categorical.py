"""Categories: texts or integers with few distinct values, as codes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal, Self

import polars as pl
from onnx import TensorProto
from pydantic import Field as Setting
from pydantic import PositiveInt, model_validator

from onward.blocks import categorical, numerical
from onward.errors import DataError
from onward.preprocessing.columns._bag_of_words import Words
from onward.preprocessing.columns._base import Column, Encoded
from onward.preprocessing.graph import Graph, Value
from onward.rules import Rule
from onward.schema import Field, SemanticType
from onward.table.spellings import Spellings, meaning_of, refuse_two_meanings, spelling

UNKNOWN, MISSING, FIRST = 0, 1, 2  # codes; the first of the values seen in training is 2
LARGEST = 2.0**53  # the last float64 before whole numbers begin to fall together
NO_INTEGER, NO_VALUE = -LARGEST - 2, -LARGEST - 4  # float64 numbers that no value can be


class Categorical(Column):
    """An integer code for each value of the training rows.

    All other values share the code for unknown values.
    """

    class Config(Column.Config):
        """Type, order, spellings and rules of the values.

        ``values``: integers are passed as float64, so that they can be missing.
        ``min_count``: a value in fewer training rows is unknown. If all are, the column only tells
        missing values from others.
        ``order``: the values in the order of their codes; others are unknown. By default the most
        frequent value is the first.
        ``merge_spellings``: texts that differ only in case, surrounding blanks or Unicode form are
        one value.
        ``spellings``: other texts for a value.
        ``allowed``: the valid values.
        ``words``: adds features for this many frequent words, 1 if the value contains the word.
        Useful for many values with few rows each, such as titles.
        """

        type: Literal["categorical"] = "categorical"
        values: Literal["text", "integer"] = "text"
        min_count: PositiveInt = 1
        order: tuple[str, ...] | tuple[int, ...] = ()
        merge_spellings: bool = False
        spellings: Spellings = Setting(default_factory=dict)
        allowed: tuple[str, ...] | tuple[int, ...] = ()
        words: int = Setting(0, ge=0, le=512)

        @model_validator(mode="after")
        def _check(self) -> Self:
            kind, name = (str, "texts") if self.values == "text" else (int, "whole numbers")
            for setting, values in (("order", self.order), ("allowed", self.allowed)):
                if any(type(value) is not kind for value in values):
                    raise ValueError(f"with `values: {self.values}`, {setting} is a list of {name}")
            if (self.merge_spellings or self.spellings or self.words) and self.values != "text":
                raise ValueError("merge_spellings, spellings and words are for texts only")
            refuse_two_meanings(self.spellings, (*self.spellings, *self.missing, ""))
            return self

    config: Config
    codes: dict[Any, int]
    absent: set[str]
    adjustable = frozenset({"min_count", "order", "spellings", "allowed"})
    examples = {"Köln": (2,), "Paris": (3,), "": (1,), None: (1,)}

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.wire = "text" if config.values == "text" else "number"
        self.meanings = meaning_of(config.spellings)

    @classmethod
    def semantic_type(cls, field: Field) -> SemanticType:
        """A category, also if the values are integers."""
        return "category"

    def rules(self) -> list[Rule]:
        """Values must be allowed, in any spelling, and integers if declared so."""
        rules, value, absent = super().rules(), pl.col(self.name), self.is_absent()
        if self.wire == "number":
            broken = ~absent & ((value != value.floor()) | (value.abs() > LARGEST))
            remedy = "Declare the column numerical, or `values: text`"
            what = "a value that is not a whole number up to 2^53"
            rules.append(Rule((self.name,), broken, what, remedy))
        if self.config.allowed:
            dtype = pl.Float64 if self.wire == "number" else pl.String
            allowed = pl.Series([*self.config.allowed, *self.meanings], dtype=dtype, strict=False)
            broken = ~absent & ~value.is_in(allowed.implode())
            remedy = "Correct the table, or `allowed`"
            rules.append(Rule((self.name,), broken, "a value that is not allowed", remedy))
        return rules

    def changes(self) -> dict[str, pl.Expr]:
        """Also declared spellings."""
        spelled = {"another spelling": pl.col(self.name).is_in(list(self.meanings))}
        return super().changes() | (spelled if self.meanings else {})

    def fit(self, values: pl.Series) -> None:
        """Fit the vocabulary; equally frequent values are sorted, so that runs agree."""
        self.codes, self.absent, self.cardinality = {}, set(), FIRST
        counts = self._add_categories(values)
        if self.cardinality == FIRST and (counts.is_empty() or self.config.min_count == 1):
            raise DataError(
                f"column {self.name!r}: no category occurs in the {len(values)} training rows."
                " Correct order, or remove the column"
            )
        rows = dict(zip(counts["value"], counts["rows"], strict=True)) if self.config.words else {}
        self.words = Words.learn(rows, self.config.words)

    def extend(self, values: pl.Series) -> int:
        """Append codes for new categories; known ones keep theirs."""
        known = self.cardinality
        absent = self._absent_keys()  # a text that no longer stands for a missing value is one
        self.absent = {text for text in self.absent if self._key(text) in absent}
        self._add_categories(values)
        return self.cardinality - known

    def dump(self) -> dict[str, Any]:
        """The codes, the texts for missing values, and the words."""
        return {
            "codes": list(self.codes.items()),  # in JSON, keys are texts
            "absent": sorted(self.absent),
            "cardinality": self.cardinality,
            "words": asdict(self.words),
        }

    def restore(self, learned: Mapping[str, Any]) -> None:
        """The same."""
        self.codes = dict(learned["codes"])
        self.absent, self.cardinality = set(learned["absent"]), learned["cardinality"]
        self.words = Words(tuple(learned["words"]["all"]), learned["words"]["codes"])

    def _add_categories(self, values: pl.Series) -> pl.DataFrame:
        """Give the next codes to categories without one, and return all counts."""
        counts = self._counts(values)
        # of two values that have become one, the code of the value that both are now
        known = sorted(self.codes.items(), key=lambda item: item[0] not in self.meanings)
        codes = {self._key(value): code for value, code in known}
        added = [key for key in self._frequent(counts) if key not in codes]
        codes |= {key: code for code, key in enumerate(added, self.cardinality)}
        self.codes |= {value: codes[key] for value, key, _ in counts.rows() if key in codes}
        declared = {text: self._key(text) for text in self.meanings}
        self.codes |= {text: codes[key] for text, key in declared.items() if key in codes}
        self.cardinality += len(added)
        return counts

    def _frequent(self, counts: pl.DataFrame) -> list[Any]:
        """The categories with enough rows, in the order of their codes."""
        merged = counts.group_by("key").agg(pl.sum("rows")).sort("key")
        frequent = merged.filter(pl.col("rows") >= self.config.min_count)
        kept = frequent.sort("rows", descending=True, maintain_order=True)["key"].to_list()
        if self.config.order:
            declared = dict.fromkeys(map(self._key, self.config.order))
            kept = [key for key in declared if key in set(kept)]
        return kept

    def warnings(self) -> list[str]:
        """No value is frequent enough, and there are no words instead."""
        if self.cardinality > FIRST or self.words.all:
            return []
        return [
            f"The column {self.name!r} has no value in {self.config.min_count} or more training"
            " rows: only missing values are told from others. Lower `min_count`, or remove the"
            " column"
        ]

    def _counts(self, values: pl.Series) -> pl.DataFrame:
        """The distinct non-missing values, their category and their number of rows."""
        present = values.rename("value").drop_nulls()
        if self.wire == "number":
            present = present.drop_nans().cast(pl.Int64)
        counts = present.value_counts(name="rows").sort("value")
        keys = counts["value"]
        if self.config.merge_spellings or self.config.spellings:
            keys = keys.map_elements(self._key, return_dtype=pl.String)
        counts = counts.select("value", keys.alias("key"), "rows")
        if self.wire == "number":
            return counts
        is_absent = counts["key"].is_in(self._absent_keys())
        self.absent |= {"", *self.config.missing, *counts["value"].filter(is_absent)}
        return counts.filter(~is_absent)

    @classmethod
    def encode(
        cls, graph: Graph, columns: "Sequence[Categorical]", raw: Sequence[Value]
    ) -> list[Encoded]:
        """One code per column, and the words of columns with ``words``."""
        codes = [column._code(graph, value) for column, value in zip(columns, raw, strict=True)]
        block = categorical(
            [column.name for column in columns], [column.cardinality for column in columns]
        )
        encoded = [Encoded(graph("Concat", *codes, axis=1), block)]
        pairs = [pair for pair in zip(columns, raw, strict=True) if pair[0].words.all]
        return [*encoded, _words(graph, pairs)] if pairs else encoded

    def _absent_keys(self) -> list[Any]:
        return [self._key(text) for text in ("", *self.config.missing)]

    def _key(self, value: Any) -> Any:
        value = self.meanings.get(value, value)
        return spelling(value) if self.config.merge_spellings else value

    def _code(self, graph: Graph, raw: Value) -> Value:
        if self.wire == "text":
            codes = {**self.codes, **dict.fromkeys(sorted(self.absent), MISSING)}
            keys = {"keys_strings": list(codes)}
        else:
            raw = _as_integer(graph, raw)
            codes = {**self.codes, int(NO_VALUE): MISSING}
            keys = {"keys_int64s": list(codes)}
        return graph(
            "LabelEncoder",
            raw,
            domain="ai.onnx.ml",
            values_int64s=list(codes.values()),
            default_int64=UNKNOWN,
            **keys,
        )


def _words(graph: Graph, pairs: "Sequence[tuple[Categorical, Value]]") -> Encoded:
    parts = [column.words.encode(graph, value) for column, value in pairs]
    named = [(column.name, word) for column, _ in pairs for word in column.words.all]
    owners = [name for name, _ in named]
    names = [f"{name} has {word!r}" for name, word in named]
    return Encoded(graph("Concat", *parts, axis=1), numerical(owners, names))


def _as_integer(graph: Graph, raw: Value) -> Value:
    """Int64, where fractions and numbers out of range become ``NO_INTEGER``."""
    is_whole = graph("Equal", graph("Floor", raw), raw)
    is_small = graph("LessOrEqual", graph("Abs", raw), graph.constant(LARGEST))
    is_good = graph("And", is_whole, is_small)
    good = graph("Where", is_good, raw, graph.constant(NO_INTEGER))
    known = graph("Where", graph("IsNaN", raw), graph.constant(NO_VALUE), good)
    return graph("Cast", known, to=TensorProto.INT64)
