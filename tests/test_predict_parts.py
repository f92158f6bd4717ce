"""`onward predict --jobs --part`: a file for each part of a table, whoever writes it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from example_model import TABLE, example
from polars.testing import assert_frame_equal
from test_commands import run
from test_input_policy import file as file  # a model that knows its training rows

from onward.errors import ArtifactError, DataError

GROUP = 2_500  # rows


def rows(number: int, start: int = 0) -> pl.DataFrame:
    table = pl.concat([TABLE] * (number // len(TABLE) + 1)).head(number)
    return table.with_columns(id=pl.int_range(start, start + number))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three files, of 1, 3 and 2 row groups, one of them in a folder that says a column."""
    folder = tmp_path / "table"
    (folder / "day=1").mkdir(parents=True)
    (folder / "day=2").mkdir()
    sizes = {"day=1/a.parquet": 100, "day=1/b.parquet": 7_000, "day=2/c.parquet": 4_000}
    start = 0
    for name, size in sizes.items():
        rows(size, start).write_parquet(folder / name, row_group_size=GROUP)
        start += size
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def predict(model: Path, table: Path | str, output: Path | str, *words: str) -> str:
    result = run("predict", model, str(table), "-o", str(output), *words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return " ".join(result.stderr.replace("│", " ").split())


def test_the_files_are_the_predictions_in_their_order(
    tmp_path: Path, file: Path, table: Path
) -> None:
    words = ["--keep", "id,day"]
    predict(file, table, tmp_path / "one.parquet", *words)

    said = predict(file, table, tmp_path / "out", "--jobs", "2", *words)

    assert said.startswith(
        f"{tmp_path / 'out'}: 11,100 rows predicted; files: 6 new, 0 already there"
    )
    names = [f"part-{number:05}.parquet" for number in range(6)]
    assert sorted(contents(tmp_path / "out")) == ["_SUCCESS", "_job.json", *names]
    got = pl.concat([pl.read_parquet(tmp_path / "out" / name) for name in names])
    assert_frame_equal(got, pl.read_parquet(tmp_path / "one.parquet"), check_exact=True)


def test_parts_make_the_same_bytes_and_nothing_twice(
    tmp_path: Path, file: Path, table: Path
) -> None:
    predict(file, table, tmp_path / "whole", "--jobs", "1")
    out = tmp_path / "out"

    predict(file, table, out, "--part", "2/2")
    assert sorted(contents(out)) == ["_job.json", *(f"part-0000{i}.parquet" for i in (1, 3, 5))]
    (out / "part-00003.parquet").unlink()  # as if a process had been killed before
    (out / ".part-00003.parquet.host.1.new").write_bytes(b"half")
    ended = out / "._SUCCESS.host.2.new"  # of a process that ends at the same moment
    ended.touch()
    times = {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    said = predict(file, table, out, "--jobs", "2")

    assert "7,100 rows predicted; files: 4 new, 2 already there" in said
    assert ended.exists()
    ended.unlink()
    assert contents(out) == contents(tmp_path / "whole")
    assert all((out / name).stat().st_mtime_ns == before for name, before in times.items())
    assert "0 rows predicted; files: 0 new, 6 already there" in predict(
        file, table, out, "--jobs", "2"
    )


def test_a_file_that_is_no_parquet_is_one_part(tmp_path: Path, file: Path) -> None:
    (tmp_path / "table").mkdir()
    for name in ("a", "b"):
        rows(3_000).write_csv(tmp_path / "table" / f"{name}.csv")
    predict(file, tmp_path / "table", tmp_path / "out", "--jobs", "1", "--format", "csv")
    predict(file, tmp_path / "table" / "a.csv", tmp_path / "a.csv")
    parts = [(tmp_path / "out" / f"part-0000{number}.csv").read_bytes() for number in (0, 1)]
    assert parts == [(tmp_path / "a.csv").read_bytes()] * 2


def test_the_output_of_another_job_is_refused(tmp_path: Path, file: Path) -> None:
    out, path = tmp_path / "out", tmp_path / "table.parquet"
    rows(100).write_parquet(path)
    predict(file, path, out, "--jobs", "1")
    other = example(tmp_path / "other.onnx")

    for model, words, key in (
        (other, [], "model"),
        (file, ["--keep", "id"], "keep"),
        (file, ["--format", "csv"], "format"),
        (file, ["--missing-unreadable"], "unreadable"),
    ):
        with pytest.raises(ArtifactError, match=f"a job with another '{key}'"):
            predict(model, path, out, "--jobs", "1", *words)
    rows(101).write_parquet(path)
    with pytest.raises(ArtifactError, match="a job with another 'files'"):
        predict(file, path, out, "--jobs", "1")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    with pytest.raises(ArtifactError, match=r"holds 'notes.txt', and no _job.json"):
        predict(file, path, tmp_path / "full", "--jobs", "1")


def test_wrong_options_are_said_before_anything_is_written(
    tmp_path: Path, file: Path, table: Path
) -> None:
    out = str(tmp_path / "out")
    for words, message in (
        (["--part", "3/2"], "--part 3/2: must be I/N"),
        (["--part", "0/2"], "--part 0/2: must be I/N"),
        (["--part", "half"], "--part half: must be I/N"),
        (["--jobs", "0"], "should be greater than or equal to 1"),
        (["--jobs", "100000"], f"Give at most {4 * (os.cpu_count() or 1)}"),
        (["--jobs", "1", "-o", str(table / "out")], "lies in the table"),
        (["--jobs", "1", "-o", str(file)], "is a file; with --jobs or --part name a folder"),
        (
            ["--jobs", "1", "-o", f"{out}.csv"],
            "out, and --format csv; for one file leave",
        ),
        (["--jobs", "1", "-o", "s3://bucket/x.pq"], "s3://bucket/x, and --format parquet; for"),
        (["--jobs", "1", "-o", "ftp://host/x"], "or a URL that starts with s3://"),
        (["-o", "s3://bucket/x"], "add --jobs 1"),
        (["--jobs", "1", "--keep", "ids"], "there is no column 'ids'. Did you mean 'id'"),
    ):
        result = run("predict", file, table, "-o", out, *words)
        said = f"{result.stderr} {result.exception}".replace("│", " ")
        # without blanks: the frame breaks long paths anywhere
        assert "".join(message.split()) in "".join(said.split())
    assert "name it with --output" in run("predict", file, table, "--jobs", "2").stderr


def test_values_are_named_by_their_row_in_their_file(
    tmp_path: Path, file: Path, table: Path
) -> None:
    path = table / "day=1" / "b.parquet"
    at_end = pl.int_range(pl.len()) == 6_000
    odd = rows(7_000, 100).with_columns(
        workclass=pl.when(~at_end).then("workclass").otherwise(pl.lit("Paris"))
    )
    odd.write_parquet(path, row_group_size=GROUP)
    said = predict(file, table, tmp_path / "out", "--jobs", "1")
    assert "not seen in training 1 6,001 Paris day=1/b.parquet" in said

    wrong = odd.with_columns(commute=pl.when(~at_end).then("commute").otherwise(pl.lit("12 miles")))
    wrong.write_parquet(path, row_group_size=GROUP)
    with pytest.raises(DataError, match=f"{path}: column 'commute', row 6001: '12 miles'"):
        predict(file, table, tmp_path / "new", "--jobs", "2")
    assert "_SUCCESS" not in contents(tmp_path / "new")


def command(file: Path, table: Path, out: Path) -> list[str]:
    words = ["predict", str(file), str(table), "-o", str(out), "--jobs", "2", "--keep-all"]
    return [sys.executable, "-m", "onward", *words]


@pytest.mark.slow
def test_a_job_that_is_killed_goes_on_where_it_was(tmp_path: Path, file: Path, table: Path) -> None:
    subprocess.run(command(file, table, tmp_path / "whole"), check=True)
    out = tmp_path / "out"

    for kill in range(4):
        job = subprocess.Popen(command(file, table, out), start_new_session=True)
        before = time.monotonic()
        while len(list(out.glob("part-*"))) <= kill and time.monotonic() < before + 60:
            time.sleep(0.01)
        os.kill(job.pid, signal.SIGKILL)  # its processes end with it
        job.wait()
    subprocess.run(command(file, table, out), check=True)

    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.parametrize("is_table", [True, False])
def test_a_bucket_that_cannot_be_reached_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path, table: Path, is_table: bool
) -> None:
    pytest.importorskip("s3fs").S3FileSystem.clear_instance_cache()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    paths = ("s3://shop/a", tmp_path / "out") if is_table else (table, "s3://shop/a")

    with pytest.raises(DataError, match=r"^s3://shop/a: cannot be read or written: .*credentials"):
        predict(file, *paths, "--jobs", "1")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    moto = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    server = moto.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir("shop")
    yield "s3://shop"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.mark.slow
def test_table_and_output_may_be_in_a_bucket(
    tmp_path: Path, file: Path, table: Path, bucket: str
) -> None:
    import s3fs

    system = s3fs.S3FileSystem()
    system.put(f"{table}/", "shop/table/", recursive=True)
    for path in table.rglob("*.parquet"):  # one part each, as in the bucket
        pl.read_parquet(path, hive_partitioning=False).write_parquet(path)
    predict(file, table, tmp_path / "out", "--jobs", "1", "--keep", "id,day")

    predict(file, f"{bucket}/table", f"{bucket}/out", "--part", "1/2", "--keep", "id,day")
    said = predict(file, f"{bucket}/table", f"{bucket}/out", "--jobs", "2", "--keep", "id,day")

    assert "7,000 rows predicted; files: 1 new, 2 already there" in said
    system.get("shop/out/", str(tmp_path / "got"), recursive=True)
    assert {"_SUCCESS", "_job.json"} < set(contents(tmp_path / "got"))
    for name in ("part-00000.parquet", "part-00001.parquet", "part-00002.parquet"):
        want = pl.read_parquet(tmp_path / "out" / name)
        assert_frame_equal(pl.read_parquet(tmp_path / "got" / name), want, check_exact=True)
    assert json.loads((tmp_path / "got" / "_job.json").read_text())["model"]
    system.pipe_file("shop/table/day=2/c.parquet", b"PAR1 and no more")
    with pytest.raises(DataError, match=r"s3://shop/table/day=2/c\.parquet: this cannot be read"):
        predict(file, f"{bucket}/table", f"{bucket}/new", "--jobs", "1")
    with pytest.raises(DataError, match="s3://shop/none: there is no table"):
        predict(file, f"{bucket}/none", f"{bucket}/new", "--jobs", "1")
    with pytest.raises(DataError, match="s3://no-shop/new: cannot be read or written: The spec"):
        predict(file, table, "s3://no-shop/new", "--jobs", "1")
