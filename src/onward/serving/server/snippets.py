"""Example requests with the columns of a model."""

import json
import shlex
from collections.abc import Mapping
from typing import Any


def curl(url: str, row: Mapping[str, Any], *, has_token: bool) -> str:
    """For a shell."""
    body = shlex.quote(json.dumps([row], ensure_ascii=False))
    token = ' \\\n  -H "Authorization: Bearer $TOKEN"' if has_token else ""
    return f"curl {url}{token} \\\n  -d {body}"


def python(url: str, row: Mapping[str, Any], *, has_token: bool) -> str:
    """With the standard library."""
    headers = ', {"Authorization": "Bearer " + os.environ["TOKEN"]}' if has_token else ""
    return "\n".join(
        [
            "import json",
            *(["import os"] if has_token else []),
            "from urllib.request import Request, urlopen",
            "",
            "rows = [",
            "    {",
            *(f"        {name!r}: {value!r}," for name, value in row.items()),
            "    }",
            "]",
            f'request = Request("{url}", json.dumps(rows).encode(){headers})',
            "with urlopen(request) as response:",
            '    print(json.load(response)["predictions"])',
        ]
    )


def javascript(url: str, row: Mapping[str, Any], *, has_token: bool) -> str:
    """For browsers and Node."""
    headers = "headers: { Authorization: `Bearer ${token}` }, " if has_token else ""
    return "\n".join(
        [
            f"const rows = {json.dumps([row], ensure_ascii=False, indent=2)};",
            f'const response = await fetch("{url}", {{',
            f'  method: "POST", {headers}body: JSON.stringify(rows),',
            "});",
            "console.log((await response.json()).predictions);",
        ]
    )
