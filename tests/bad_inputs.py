"""A small config and table, and what can be wrong with them."""

CONFIG = """\
prepare:
  source: {type: csv, path: table.csv}
  target: {name: pay, kind: classes, classes: [low, high]}
  split: {type: random, validation: 0.2, test: 0.2}
  columns:
    age: {type: numerical}
    city: {type: categorical}
"""
ROWS = [
    f"{20 + row},{'Köln' if row % 3 else 'Paris'},{'low' if row % 2 else 'high'}"
    for row in range(20)
]
TABLE = "\n".join(["age,city,pay", *ROWS]) + "\n"

WRONG_CONFIGS = [
    ("prepare:", "prepar:", "no section 'prepar' in a config. Did you mean 'prepare'?"),
    ("prepare:", "other:", "no section 'other' in a config. There are 'plugins', 'prepare'"),
    ("prepare:", "prepare: ]", "config.yaml: invalid YAML in line 1: "),
    (
        "type: csv",
        "type: cvs",
        "prepare.source.type: there is no type 'cvs'. Did you mean 'csv'?",
    ),
    ("path: table.csv", "path: tabel.csv", "tabel.csv: there is no such file"),
    (
        "path: table.csv",
        "paht: table.csv",
        "prepare.source.paht: unknown setting 'paht'. Did you mean 'path'?",
    ),
    (
        "type: numerical",
        "type: numeric",
        "prepare.columns.age.type: there is no type 'numeric'. Did you mean",
    ),
    (
        "type: numerical",
        "name: age, type: numerical",
        "prepare.columns: 'age' has a setting `name`. Remove it: the key is the name",
    ),
    (
        "prepare:",
        "prepare:\n  seed: -1",
        "prepare.seed: must be greater than or equal to 0",
    ),
    ("prepare:", "plugins: 5\nprepare:", "plugins: this is a list of modules, got 5"),
    (
        "prepare:",
        "prepare:\n  source: {}",
        "config.yaml: invalid YAML in line 3: 'source' occurs twice",
    ),
    ("city:", "age:", "in line 7: 'age' occurs twice. Remove one of them"),
    ("city:", "pay:", "columns: 'pay' is the target"),
    ("validation: 0.2", "validation: 0.9", "must be below 1"),
    ("validation: 0.2", "validation: -1", "greater than 0, got -1"),
    ("classes: [low, high]", "classes: [low]", "two or more values"),
    (", classes: [low, high]", "", "two or more values"),
    ("kind: classes", "kind: class", "must be 'classes' or 'number'"),
    (
        "type: random",
        "type: column, name: part",
        "prepare.split.test: unknown setting 'test'",
    ),
]
"""What to replace in the config, by what, and what is said of it."""

WRONG_TABLES = [
    (b"", "empty"),
    (b"age,city,pay\n", "a header, but no row"),
    (TABLE.replace("age,city", "Age,city").encode(), "'age'"),
    (TABLE.replace("age,city,pay", "age,age,pay").encode(), "'age'"),
    (TABLE.replace("city,pay", "city,wage").encode(), "'pay'"),
    (TABLE.replace("\n22,", "\n22,22,").encode(), "row 3"),
    (TABLE.replace("\n22,", "\nold,").encode(), "'old'"),
    (TABLE.replace("Köln", '"Köln').encode(), "quote"),
    (TABLE.encode("latin-1"), "Latin-1"),
    (TABLE.encode("utf-16"), "UTF-16"),
    (TABLE.replace("high", "low").encode(), "all 20 rows have the value 'low'"),
    (TABLE.replace("low", "lwo", 1).encode(), "'lwo' in row 2"),
    (
        TABLE.replace(",low", ",", 1).encode(),
        "a missing target; the first is in row 2",
    ),
    (TABLE.replace("Köln", "").replace("Paris", "").encode(), "column 'city'"),
    ("\n".join(["age,city,pay", *(f"7{row[2:]}" for row in ROWS)]).encode(), "column 'age'"),
    (TABLE.replace("Köln", "K\0ln").encode(), "NUL"),
    (b"\n".join(TABLE.encode().splitlines()[:3]) + b"\n", "none of the 2 rows"),
    (b"PK\x03\x04 no table", "table.csv"),
]
"""Files, and what is said of them."""
