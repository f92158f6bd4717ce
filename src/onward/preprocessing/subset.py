"""The preprocessing of a subset of the columns of a finished ``prepare``."""

import json
from typing import Annotated, Any

from onnx import ModelProto
from pydantic import TypeAdapter

from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import manifest
from onward.errors import ExportError
from onward.preprocessing.assembly import preprocessing
from onward.preprocessing.columns import Column
from onward.settings.family import ByName

CONFIGS: TypeAdapter[Any] = TypeAdapter(Annotated[tuple[Any, ...], ByName(Column)])


def graph_of_columns(prepared: Prepared) -> ModelProto:
    """The graph that ``prepare`` would write for these columns only.

    Columns of one type share operators, so a column cannot be removed from the graph. They get what
    they have learned, or are fitted again on the same rows.

    Raises:
        ExportError: if the features differ from those the network was trained on.
    """
    schema, blocks = prepared.schema(), prepared.blocks()
    names = {field.name for field in schema.columns}
    configs = json.dumps(manifest(prepared.folder)["settings"]["columns"])
    every = [Column.build(config) for config in CONFIGS.validate_json(configs)]
    types = list(dict.fromkeys(map(type, every)))  # those first that are first among all columns
    columns = sorted(
        (column for column in every if column.name in names),
        key=lambda column: types.index(type(column)),
    )
    rows, states = prepared.fitting_rows(), prepared.column_states()
    for column in columns:
        if column.name in states:
            column.restore(states[column.name])
        else:
            column.fit(rows.select(column.name).collect().to_series())
    fitted = preprocessing(columns)
    if fitted.blocks != blocks:
        raise ExportError(
            f"export: {len(columns)} of {len(every)} columns have different features alone than"
            " among all columns. This is a bug in the code of one of their types: `encode` must"
            " keep the order of columns and features. Remove train.selection until it is corrected"
        )
    inputs = {value.name: value for value in fitted.model.graph.input}
    del fitted.model.graph.input[:]
    fitted.model.graph.input.extend(inputs[field.name] for field in schema.columns)
    return fitted.model
