"""Records of JSON APIs."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    SerializationInfo,
    StringConstraints,
    field_serializer,
    model_validator,
)

from onward.errors import ConfigError, DataError
from onward.settings.family import OneOf
from onward.table.remote.batches import Batches, refuse_missing
from onward.table.remote.credentials import Public, PublicName, Variable, hidden, refusal, value_of
from onward.table.remote.json_api import Api, api_rows
from onward.table.remote.paging import Paging, with_parameter
from onward.table.remote.rows import parts_of, row_batches
from onward.table.sources._snapshot import Snapshot

LOOPBACK = ("localhost", "127.0.0.1", "::1")
BEARER = "Authorization"


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # as of "https://[x"
        return None


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")) or not _hostname(url):
        raise refusal("not an address of an API. Write it as https://example.com/orders")
    return url


class JsonApi(Snapshot):
    """The records of a JSON API, of which `onward collect` takes a snapshot."""

    class Config(Snapshot.Config):
        """``records`` is the path of the list of records in a page, such as ``data.items``.

        ``token`` is the name of an environment variable, sent as ``Authorization: Bearer ...``, or
        alone in another header. A limit that is reached is an error.
        """

        type: Literal["json_api"] = "json_api"
        url: Annotated[Public, AfterValidator(_address)]
        parameters: dict[PublicName, str | int] = Field(default_factory=dict)
        records: str = ""
        paging: Annotated[Paging.Config, OneOf(Paging)] | None = None
        token: Variable | None = None
        token_header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")] = BEARER
        max_pages: PositiveInt = 10_000
        max_bytes: PositiveInt = 1 << 30
        max_seconds: PositiveFloat = 3600.0

        @model_validator(mode="after")
        def _token_is_encrypted(self) -> Self:
            address = urlsplit(self.url)
            if self.token and address.scheme != "https" and address.hostname not in LOOPBACK:
                raise refusal("a token is sent over https:// only. Correct `url`")
            return self

        @field_serializer("paging")
        def _with_type(self, paging: Any, info: SerializationInfo) -> Any:
            if paging is None:
                return None
            settings = paging.model_dump(exclude_defaults=bool(info.exclude_defaults))
            return {"type": paging.type, **settings}

    config: Config
    content = ("url", "parameters", "records", "paging")

    @classmethod
    def batches(cls, config: Config, folder: Path) -> Batches:
        """The records of all pages."""
        refuse_missing(config.url, "api")
        url = config.url
        for name, value in config.parameters.items():
            url = with_parameter(url, name, str(value))
        token = value_of(config.token)
        if token and not token.isascii():
            raise ConfigError(
                f"the environment variable {config.token} has a character outside ASCII, which no"
                " HTTP header takes. Correct it"
            )
        sent = f"Bearer {token}" if config.token_header == BEARER else str(token)
        api = Api(
            url=url,
            records=config.records,
            paging=None if config.paging is None else Paging.build(config.paging),
            max_pages=config.max_pages,
            max_bytes=config.max_bytes,
            max_seconds=config.max_seconds,
            headers={config.token_header: sent} if token else {},
        )
        try:
            yield from row_batches(config.url, parts_of(api_rows(api)), folder)
        except DataError as error:  # which may repeat what the server said
            raise DataError(hidden(str(error), token)) from error
