"""Options of `onward serve`."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

Models = Annotated[
    list[Path], Argument(metavar="MODEL...", help="Files of the stage export.", show_default=False)
]
Names = Annotated[
    list[str] | None,
    Option(
        "--name",
        help="Of a model, in their order; by default that of its file.",
        show_default=False,
    ),
]
Host = Annotated[str, Option(help="Address to listen on.")]
Port = Annotated[int, Option(help="0 takes a free one.")]
Workers = Annotated[int, Option(min=1, help="Processes, at most one for each core.")]
Variable = Annotated[
    str | None,
    Option(metavar="VARIABLE", help="Environment variable that holds the token clients must send."),
]
Insecure = Annotated[bool, Option("--insecure", help="Listen on other addresses without a token.")]
Rows = Annotated[int, Option(min=1, help="Rows of a request.")]
Bytes = Annotated[int, Option(min=1, help="Bytes of a request.")]
Waiting = Annotated[int, Option(min=1, help="Requests that wait in a worker; more get 429.")]
Shadow = Annotated[Path | None, Option(help="A model that predicts, too; differences are logged.")]
Canary = Annotated[
    str | None,
    Option(metavar="MODEL=SHARE", help="A model that answers some requests, as other.onnx=5%."),
]
Log = Annotated[
    Path | None, Option(metavar="FOLDER", help="Where to write requests and predictions.")
]
Sample = Annotated[float, Option(min=0, max=1, help="Share of the requests to write.")]
Columns = Annotated[
    str | None, Option(metavar="A,B,...", help="Columns to write, if not all of them.")
]
Grace = Annotated[
    float, Option(min=0, help="Seconds of answering after SIGTERM, for load balancers.")
]
