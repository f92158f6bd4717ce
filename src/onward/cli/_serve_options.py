"""Options of `onward serve`."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

Models = Annotated[
    list[Path],
    Argument(
        metavar="MODEL...", help="Model files, written by `onward export`.", show_default=False
    ),
]
Names = Annotated[
    list[str] | None,
    Option(
        "--name",
        help="Name of a model, in the order of the models; by default that of its config or file.",
        show_default=False,
    ),
]
Host = Annotated[str, Option(help="Address to listen on.")]
Port = Annotated[int, Option(min=0, max=65_535, help="Port; 0 chooses a free one.")]
Workers = Annotated[int, Option(min=1, help="Number of processes; one per core is enough.")]
Variable = Annotated[
    str | None,
    Option(metavar="VARIABLE", help="Environment variable that holds the token clients must send."),
]
Insecure = Annotated[bool, Option("--insecure", help="Allow other addresses without a token.")]
Rows = Annotated[int, Option(min=1, help="Maximum rows of a request.")]
Bytes = Annotated[int, Option(min=1, help="Maximum bytes of a request.")]
Waiting = Annotated[
    int | None,
    Option(
        min=1,
        help="Maximum requests waiting in a worker; more get 429.",
        show_default="as many as wait 25 ms, 3 to 64",
    ),
]
Shadow = Annotated[
    Path | None, Option(help="A second model for the same requests; differences are logged.")
]
Canary = Annotated[
    str | None,
    Option(
        metavar="MODEL=SHARE",
        help="A model that answers a share of the requests, such as other.onnx=5%.",
    ),
]
Log = Annotated[
    Path | None, Option(metavar="FOLDER", help="Folder for a log of requests and predictions.")
]
Sample = Annotated[
    float | None,
    Option(min=0, max=1, help="Share of the requests to log.", show_default="all"),
]
Columns = Annotated[
    str | None, Option(metavar="A,B,...", help="Columns to log.", show_default="all")
]
Grace = Annotated[
    float, Option(min=0, help="Seconds to keep answering after SIGTERM, for load balancers.")
]
