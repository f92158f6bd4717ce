"""An OpenAPI document from the schemas of the models.

Source: OpenAPI Specification 3.1.
"""

from collections.abc import Sequence
from typing import Any

from onward import __version__
from onward.serving.server.column_schema import (
    column_schema,
    example_row,
    nested_schema,
    row_schema,
)
from onward.serving.server.options import Options
from onward.serving.server.served_model import ServedModel
from onward.serving.server.tensors import DATATYPES

Document = dict[str, Any]

ERROR = {
    "type": "object",
    "properties": {"error": {"type": "string"}},
    "required": ["error"],
    "additionalProperties": False,
}


def openapi(models: Sequence[ServedModel], options: Options) -> Document:
    """All paths with requests and responses."""
    paths: Document = {
        "/predict": {"post": _predict(models[0], options, "predict")},
        "/openapi.json": {"get": _get("openapi", "This document.", {"type": "object"})},
        "/metrics": {"get": _get("metrics", "Counters for Prometheus.", None, "text/plain")},
        "/v2": {"get": _get("server", "Name, version and extensions.", {"type": "object"})},
        "/v2/models": {"get": _get("models", "Names of the models.", {"type": "object"})},
        "/v2/health/live": {"get": _open(_get("live", "Is the process alive?", {}))},
        "/v2/health/ready": {"get": _open(_get("ready", "May requests be sent here?", {}))},
    }
    for model in models:
        paths |= _model_paths(model, options)
    document: Document = {
        "openapi": "3.1.0",
        "info": {"title": "onward", "version": __version__},
        "servers": [{"url": "."}],
        "paths": paths,
    }
    if options.token_variable:
        bearer = {"token": {"type": "http", "scheme": "bearer"}}
        document |= {"components": {"securitySchemes": bearer}, "security": [{"token": []}]}
    return document


def _model_paths(model: ServedModel, options: Options) -> Document:
    name = model.name
    described = _get(f"model_{name}", "Inputs, outputs and versions.", {"type": "object"})
    return {
        f"/models/{name}/predict": {"post": _predict(model, options, f"predict_{name}")},
        f"/v2/models/{name}": {"get": described},
        f"/v2/models/{name}/ready": {"get": _get(f"ready_{name}", "Is it ready?", {})},
        f"/v2/models/{name}/infer": {"post": _infer(model)},
    }


def _predict(model: ServedModel, options: Options, identifier: str) -> Document:
    row = {
        "type": "object",
        "properties": {field.name: column_schema(model, field) for field in model.schema.columns},
        "required": list(model.fields),
    }
    rows = {
        "type": "array",
        "items": row,
        "description": f"At most {options.max_rows} rows.",
        "examples": [[example_row(model)]],
    }
    answer = {
        "type": "object",
        "properties": {
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "predictions": {"type": "array", "items": _prediction(model)},
        },
        "required": ["model_name", "model_version", "predictions"],
    }
    return _post(identifier, f"Predict {model.schema.target.name!r} of each row.", rows, answer)


def _prediction(model: ServedModel) -> Document:
    number = {"type": ["number", "null"]}
    classes = model.schema.target.classes
    shares = {
        "type": "object",
        "properties": dict.fromkeys(classes, number),
        "required": list(classes),
    }
    known = {"label": {"enum": list(classes)}, "probabilities": shares}
    properties = {
        output["name"]: known.get(output["name"], nested_schema(number, output["shape"][1:]))
        for output in model.outputs
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _infer(model: ServedModel) -> Document:
    tensors = [_tensor(model, name) for name in model.fields]
    request = {
        "type": "object",
        "description": "One row. Of several rows each input has as many, along the first axis.",
        "properties": {
            "id": {"type": "string"},
            "parameters": {"type": ["object", "null"]},
            "inputs": {
                "type": "array",
                "prefixItems": tensors,
                "minItems": len(tensors),
                "maxItems": len(tensors),
            },
            "outputs": {
                "type": ["array", "null"],
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"enum": model.output_names},
                        "parameters": {"type": ["object", "null"]},
                    },
                    "required": ["name"],
                },
            },
        },
        "required": ["inputs"],
    }
    answer = {
        "type": "object",
        "properties": {
            "model_name": {"const": model.name},
            "model_version": {"type": "string"},
            "outputs": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["model_name", "model_version", "outputs"],
    }
    return _post(f"infer_{model.name}", "Open Inference Protocol.", request, answer)


def _tensor(model: ServedModel, name: str) -> Document:
    field, wire = model.fields[name], model.vectors.get(name)
    value = column_schema(model, field) if wire is None else row_schema(wire)
    shape: Document = {"items": {"const": 1}, "minItems": 1, "maxItems": 2}
    if wire is not None:
        shape = {"const": [1, *wire.shape]}
    return {
        "type": "object",
        "properties": {
            "name": {"const": name},
            "shape": {"type": "array", **shape},
            "datatype": {"enum": sorted(DATATYPES)},
            "data": {"type": "array", "items": value, "minItems": 1, "maxItems": 1},
            "parameters": {"type": ["object", "null"]},
        },
        "required": ["name", "shape", "datatype", "data"],
    }


def _post(identifier: str, summary: str, request: Document, answer: Document) -> Document:
    return {
        "operationId": identifier,
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": _responses(answer, "application/json"),
    }


def _get(
    identifier: str, summary: str, answer: Document | None, media: str = "application/json"
) -> Document:
    return {
        "operationId": identifier,
        "summary": summary,
        "responses": _responses(answer if answer is not None else {"type": "string"}, media),
    }


def _open(operation: Document) -> Document:
    """Without a token."""
    return operation | {"security": []}


def _responses(answer: Document, media: str) -> Document:
    error = {"description": "What is wrong.", "content": {"application/json": {"schema": ERROR}}}
    return {
        "200": {"description": "The answer.", "content": {media: {"schema": answer}}},
        "default": error,
    }
