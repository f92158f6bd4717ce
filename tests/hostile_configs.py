"""Configs as a stranger could hand them over: what they say, and what they try to reach."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ROWS = [f"{n * 37 % 90}.5,{n * 7 % 40},{'pqr'[n % 3]},{n * 5 % 7 % 2}" for n in range(60)]
TABLE = "\n".join(["a,b,c,y", *ROWS]) + "\n"
PREPARE: dict[str, Any] = {
    "source": {"type": "csv", "path": "table.csv"},
    "target": {"name": "y", "kind": "classes", "classes": ["0", "1"]},
    "split": {"type": "random", "validation": 0.2, "test": 0.2},
    "columns": {
        "a": {"type": "numerical"},
        "b": {"type": "numerical"},
        "c": {"type": "categorical"},
    },
}
TRAIN: dict[str, Any] = {
    "network": {"head": "binary", "model": {"type": "linear"}},
    "learner": {"max_epochs": 1},
}


@dataclass(frozen=True)
class Hostile:
    """A config, and the stage that reads it."""

    name: str
    text: str | bytes
    stage: str = "prepare"


def config(**changes: Any) -> str:
    """The harmless config with other sections; JSON is YAML."""
    return json.dumps({"prepare": PREPARE, "train": TRAIN, **changes})


def hostile_configs(secret: str, url: str) -> list[Hostile]:
    """Configs that try to do harm.

    Args:
        secret: the path of a file that no config may read.
        url: of a server that no config may ask.
    """
    texts = [Hostile(f"yaml: {name}", text) for name, text in _yaml()]
    prepare = [
        Hostile(f"{name} {number}", config(prepare=PREPARE | changes))
        for name, group in {
            "path": _paths(url),
            "source": _sources(url),
            "check": _checks(secret, url),
            "formula": _formulas(secret),
            "column": _columns(),
            "other": _others(secret, url),
        }.items()
        for number, changes in enumerate(group)
    ]
    plugins = [Hostile(f"plugins {n}", config(plugins=value)) for n, value in enumerate(PLUGINS)]
    return [*texts, *_sections(), *prepare, *plugins, *_trainings()]


def _bomb(opening: str, closing: str) -> str:
    lines, last = [f"a: &a {opening.format('x')}x{closing}"], "a"
    for name in "bcdefghij":
        aliases = ", ".join(opening.format(n) + f"*{last}" + closing for n in range(9))
        lines.append(f"{name}: &{name} [{aliases}]")
        last = name
    return "\n".join(lines) + f"\nprepare: *{last}\n"


def _yaml() -> Iterator[tuple[str, str | bytes]]:
    whole = config()
    texts: dict[str, str | bytes] = {
        "bomb of lists": _bomb("[", "]"),
        "bomb of mappings": _bomb("{{k{}: ", "}"),
        "bomb of merges": "a: &a {x: 1}\n"
        + "".join(f"b{n}: &b{n} {{<<: [{'*a, ' * 900}*a]}}\n" for n in range(90)),
        "mapping in itself": "prepare: &p {columns: [*p]}\n",
        "list in itself": "prepare: &p [*p]\n",
        "merge of itself": "prepare: &p {<<: *p}\n",
        "key that is itself": "prepare: &p {? *p : 1}\n",
        "unknown alias": "prepare: *q\n",
        "50,000 anchors": "".join(f"a{n}: &a{n} 1\n" for n in range(50_000)),
        "deep lists": "prepare: " + "[" * 20_000,
        "deep mappings": "prepare: " + "{a: " * 5_000,
        "deep blocks": "".join(f"{' ' * n}a:\n" for n in range(1_000)),
        "deep dashes": "a:\n" + "- " * 5_000,
        "deep questions": "? " * 3_000,
        "bell": "prepare: \a\n",
        "nothing": "prepare: \0\n",
        "escape": "prepare: \x1b[2J\n",
        "escaped escape": '"\\e[2J\\a": 1\n',
        "escaped escape in a setting": whole.replace('"random"', '"\\u001b]0;x\\u0007"'),
        "surrogate": 'prepare: "\\ud800"\n',
        "no character": "prepare: \ufffe\n",
        "UTF-16": whole.encode("utf-16"),
        "UTF-32": whole.encode("utf-32"),
        "Latin-1": "prepare: é".encode("latin-1"),
        "no text": bytes(range(256)) * 9,
        "many digits": whole.replace('"max_epochs": 1', f'"max_epochs": {"9" * 5_000}'),
        "many digits of a seed": whole.replace('{"source"', f'{{"seed": {"9" * 5_000}, "source"'),
        "many digits behind a point": f"prepare: {{seed: 0.{'1' * 100_000}}}",
        "a power": "prepare: {seed: 1e999999999}",
        "not a number": whole.replace("0.2", ".nan"),
        "infinite": whole.replace("0.2", ".inf"),
        "colons": "prepare: {seed: 1:2:3:4}",
        "binary": "prepare: !!binary aGVsbG8=\n",
        "call of Python": "prepare: !!python/object/apply:os.system [touch pwned]\n",
        "new of Python": "prepare: !!python/object/new:subprocess.Popen [[touch, pwned]]\n",
        "name of Python": "prepare: !!python/name:os.system\n",
        "module of Python": "prepare: !!python/module:antigravity\n",
        "tag": "prepare: !evil {a: 1}\n",
        "set": "prepare: !!set {a}\n",
        "ordered": "prepare: !!omap [a: 1]\n",
        "number that is none": "prepare: !!int x\n",
        "float that is none": "prepare: !!float x\n",
        "date that is none": "prepare: !!timestamp x\n",
        "tab": "prepare:\n\tseed: 1\n",
        "twice": whole + "\nprepare: 1\n",
        "two documents": f"{whole}\n---\n{whole}\n",
        "directives": "%YAML 9.9\n%TAG ! tag:evil,2000:\n---\nprepare: !x 1\n",
        "an old version": f"%YAML 1.1\n---\n{whole}\n",
        "empty": "",
        "comment": "# nothing\n",
        "long list": f"prepare: [{'x,' * 600_000}]",
        "long comment": "#" * 3_000_000,
        "a long text": f"prepare: {'x' * 1_500_000}\n",
        "text": "prepare\n",
        "list": "[1, 2]\n",
        "null": "null\n",
        "keys": "{1: 1, null: 2, [a]: 3, 1.5: 4}\n",
        "merge of a number": "prepare: {<<: 1}\n",
        "end": "...\n",
        "open": "prepare: {source: 'table",
        "many errors": "prepare: {columns: {" + ", ".join(f"x{n}: 1" for n in range(5_000)) + "}}",
    }
    yield from texts.items()


def _sections() -> Iterator[Hostile]:
    for name in ("plugin", "evil", "prepare ", "", "__class__", "a\nb", "é" * 5_000):
        yield Hostile(f"section {name[:9]}", config(**{name: {"a": 1}}))
    values: list[Any] = [
        None,
        [],
        5,
        "x",
        True,
        [[[]]],
        {"": 1},
        {"__init__": 1},
        {"type": "x" * 10**5},
    ]
    for value in values:
        yield Hostile(f"prepare = {str(value)[:12]}", json.dumps({"prepare": value}))


def _paths(url: str) -> Iterator[dict[str, Any]]:
    for path in (
        *("", ".", "/", "..", "/dev/zero", "/dev/full", "fifo", "loop", "a\0b", "x" * 5_000),
        *(f"{url}/table.csv", "file:///etc/passwd", "s3://127.0.0.1/x", "*.csv", "~/table.csv"),
        *("table.csv/", "/proc/self/mem", "/proc/self/environ", "\x1b]0;x\a", "$(touch pwned)"),
        *("|touch pwned", "table.csv\n", "a/" * 2_000, "\ud800"),
    ):
        yield {"source": {"type": "csv", "path": path}}


def _sources(url: str) -> Iterator[dict[str, Any]]:
    for type_ in ("parquet", "arrow", "jsonl", "excel", "delta", "iceberg", "json_api", "x" * 999):
        yield {"source": {"type": type_, "path": "table.csv"}}
        yield {"source": {"type": type_, "path": "table.csv", "url": url, "table": url}}
    host = url.partition("://")[2]
    for database in (f"postgresql://{host}/x", f"mysql://{host}/x", f"mongodb://{host}/x"):
        login = {"password": "HOME", "user": "PATH"}
        yield {"source": {"type": "sql", "database": database, "query": "SELECT 1", "path": "s"}}
        yield {"source": {"type": "sql", "database": database, "query": "x", "path": "s", **login}}
    for database in ("sqlite:new.db", "sqlite:/etc/passwd", "duckdb:new.db", "sqlite:fifo"):
        query = "ATTACH 'made.db' AS x; DROP TABLE x"
        yield {"source": {"type": "sql", "database": database, "query": query, "path": "s"}}
    for dialect in (
        *({"delimiter": ""}, {"delimiter": "\n"}, {"delimiter": "\0"}, {"quote": ","}),
        *({"encoding": "zlib"}, {"encoding": "idna"}, {"encoding": "unicode_escape"}),
        *({"encoding": "utf-7"}, {"encoding": "rot13"}, {"encoding": "x" * 10**5}),
        *({"names": ["a"] * 4}, {"names": ["x"] * 50_000}, {"decimal": ",", "thousands": ","}),
    ):
        yield {"source": PREPARE["source"] | dialect}


def _checks(secret: str, url: str) -> Iterator[dict[str, Any]]:
    for text in (
        *(f"a IN (SELECT a FROM read_csv('{place}'))" for place in (secret, f"{url}/t.csv")),
        *(f"a = {f}('{secret}')" for f in ("read_parquet", "read_text", "load_extension")),
        *(f"a IN (TABLE '{secret}')", f"COPY (SELECT a) TO '{secret}'", f"a; ATTACH '{secret}'"),
        *("a = (SELECT 1)", "a > 1" + " AND a > 1" * 2_000, "(" * 5_000 + "a" + ")" * 5_000),
        *(
            "LPAD(c, 2000000000, 'x') = 'x'",
            "REPEAT(c, 2000000000) = ''",
            "a = " + "- " * 400 + "1",
        ),
        *("c REGEXP '(a+)+$'", f"c REGEXP '{'(' * 50}x{')' * 50}'", "c REGEXP '('", "c LIKE '"),
        *(
            "c REGEXP '(x{1000}){1000}'",
            "c LIKE '" + "%_" * 80 + "'",
            "",
            "1 = 1",
            "none > 1",
            "\0",
        ),
        *("a > 1e999", "a > " + "9" * 290, "CAST(c AS INT) > 1", "a / 0 > 1", "a IS NULL; --"),
    ):
        yield {"checks": [{"type": "expression", "holds": text}]}
    yield {"checks": [{"type": "expression", "holds": f"a > {n}"} for n in range(-300, 0)]}
    yield {"checks": [{"type": "pandera", "model": "os.system"}]}
    yield {"checks": [{"type": "pandera", "model": "__import__('os').system('touch pwned')"}]}
    yield {"checks": [{"type": "unique", "columns": ["a"] * 5_000}]}


def _formulas(secret: str) -> Iterator[dict[str, Any]]:
    for text in (
        *(f"open('{secret}')", "__import__('os').system('touch pwned')", "a.__class__", "a[0]"),
        *(
            "(lambda: a)()",
            "[a for a in b]",
            "f'{a}'",
            "(a := b)",
            "a ** b",
            "a if b else a",
            "a @ b",
        ),
        *("9**9**9", "1e999 * a", "9" * 280 + " * a", "(" * 149 + "a" + ")" * 149, "-" * 290 + "a"),
        *("a +", "\0", "a\n+ b", "await a", "...", "a" + " + a" * 2_000, '"' + "x" * 280 + '" + a'),
    ):
        yield {"derive": {"d": {"type": "formula", "expression": text}}}
    loop = {name: {"type": "formula", "expression": f"{other} + 1"} for name, other in ("de", "ed")}
    yield {"derive": loop}
    yield {"derive": {"a": {"type": "formula", "expression": "a + 1"}}}
    yield {"derive": {f"d{n}": {"type": "formula", "expression": "a + b"} for n in range(2_000)}}


def _columns() -> Iterator[dict[str, Any]]:
    for name, column in (
        *(("a", {"type": "numerical", "scaling": "x"}), ("a", {"type": "os.system"})),
        *(("a", {"type": "numerical", "clip": [1, 0]}), ("a", {"type": "numerical", "min": 1e308})),
        *(("a", {"type": "numerical", "missing": [str(n) for n in range(50_000)]}),),
        *(("a", {"type": "quantity", "units": {"": 0}}), ("a", {"type": "quantity", "units": {}})),
        *(("a", {"type": "quantity", "units": {"(" * 999: 1e308, ")" * 999: -1}}),),
        *(("a", {"type": "datetime", "format": "%" * 9_999}), ("c", {"type": "datetime"})),
        *(("a", {"type": "datetime", "format": "%Y" * 999}), ("a", {"type": "datetime", "x": 1})),
        *(("a", {"type": "datetime", "format": "("}), ("a", {"type": "datetime", "format": "%c"})),
        *(
            ("c", {"type": "categorical", "words": 10**9}),
            ("c", {"type": "categorical", "min_count": 0}),
        ),
        *(("c", {"type": "categorical", "min_count": 10**18}), ("c", {"type": "boolean"})),
        *(("c", {"type": "boolean", "true_values": ["p"], "false_values": ["p"]}),),
        *(("c", {"type": "categorical", "spellings": {"p": "q", "q": "p"}}),),
        *(
            ("c", {"type": "categorical", "allowed": []}),
            ("c", {"type": "categorical", "name": "a"}),
        ),
        *(
            ("", {"type": "numerical"}),
            ("y", {"type": "numerical"}),
            ("x" * 10**5, {"type": "text"}),
        ),
        *(("label", {"type": "numerical"}), ("onward/x", {"type": "numerical"})),
        *(
            ("\x1b[2J", {"type": "numerical"}),
            ("a\nb", {"type": "numerical"}),
            ("a", None),
            ("a", []),
        ),
    ):
        yield {"columns": PREPARE["columns"] | {name: column}}
    yield {"columns": {f"x{n}": {"type": "numerical"} for n in range(3_000)}}
    yield {"columns": {}}


def _others(secret: str, url: str) -> Iterator[dict[str, Any]]:
    for start in ("..", "/", "fifo", secret, f"{secret}/..", url, "a\0b", "table.csv"):
        yield {"start_from": start}
    for split in (
        *({"type": "random", "validation": 1e-300, "test": 0.2}, {"type": "group", "column": "z"}),
        *({"type": "time", "column": "c", "validation": 0.2, "test": 0.2}, {"type": "../x"}),
        *({"type": "column", "name": "c"}, {"type": "hash", "column": "\0"}),
    ):
        yield {"split": split}
    for target in (
        *({"name": "y", "kind": "classes", "classes": ["0"] * 50_000}, {"name": "a", "kind": "x"}),
        *({"name": "y", "kind": "classes", "classes": [str(n) for n in range(50_000)]},),
        *({"name": "\x1b[2J", "kind": "number"}, {"name": "c", "kind": "number"}, {}, "y"),
    ):
        yield {"target": target}
    for name, value in (
        *(("seed", 2**64), ("seed", -1), ("seed", 1.5), ("weights", "y"), ("weights", "\x1b[2J")),
        *(("sample", 10**30), ("sample", {}), ("part", {"x": 1}), ("rows", {"remove": "all"})),
        *(("leaks", {"accept": ["x"] * 50_000}), ("leaks", {"columns": ["\0"]}), ("leaks", [])),
    ):
        yield {name: value}


PLUGINS: tuple[Any, ...] = (
    *(5, {}, "os", ["os; import this"], ["../x"], ["/etc/passwd"], [".x"], [""], ["a..b"], ["x."]),
    *([["os"]], [None], ["a\0b"], ["x" * 10**5], ["no_such_module"], ["os.system"], ["\x1b[2J"]),
)


def _trainings() -> Iterator[Hostile]:
    large = [{name: 10**15} for name in ("width", "depth")]
    models = [{"type": type_, **size} for type_ in ("mlp", "resnet", "tabm") for size in large]
    networks: list[Any] = [{"head": "binary", "model": model} for model in models]
    networks += [
        {"head": "binary", "model": {"type": "ft_transformer", "depth": 10**15}},
        {"head": "binary", "model": {"type": "ft_transformer", "heads": 10**15}},
        {"head": "binary", "model": {"type": "tabm", "k": 10**15}},
        {"head": "binary", "model": {"type": "torch.nn.Linear"}},
        {"head": "binary", "model": {"type": "mlp", "dropout": float("nan")}},
        {"head": {"type": "binary", "gamma": 1e308}, "model": "linear"},
        {"head": "regression", "model": "linear"},
        {"head": "binary", "model": "linear", "embedder": {"type": "periodic", "width": 10**15}},
        {"head": "binary", "model": "linear", "embedders": {"\x1b[2J": "identity"}},
    ]
    changes: list[dict[str, Any]] = [{"network": network} for network in networks]
    changes += [
        {"learner": {"max_epochs": 1, **learner}}
        for learner in (
            *({"learning_rate": 1e308}, {"learning_rate": 0}, {"learning_rate": "x"}),
            *({"batch_size": 10**18}, {"batch_size": True}, {"clip": 1e-320}, {"max_time": 1e-300}),
            *({"max_time": -1}, {"warmup": 1}, {"patience": 10**30}, {"optimizer": "os.system"}),
        )
    ]
    changes += [
        {"folds": 10**9},
        {"folds": 1},
        {"members": [{"count": 10**9}]},
        {"members": [{"count": 100}, {"network": {"model": {"type": "mlp", "width": 10**12}}}]},
        {"members": [{}, {}]},
        {"members": {"\x1b[2J": 1}},
        {"seed": 2**70},
        {"seed": "x"},
        {"precision": "evil"},
    ]
    changes += [{"callbacks": [{"type": "os.system"}]}, {"loggers": [{"type": "../x"}]}, {"x": 1}]
    changes += [{"loggers": ["\x1b[2J"]}, {"callbacks": 5}, {"network": None}, {"learner": []}]
    for number, change in enumerate(changes):
        yield Hostile(f"train {number}", config(train=TRAIN | change), "train")


def some(configs: list[Hostile], count: int) -> list[Hostile]:
    """Some of them, the same in each run, without those that fill a limit of the parser."""
    quick = [hostile for hostile in configs if len(hostile.text) < 10**5]
    return random.Random(0).sample(quick, count)
