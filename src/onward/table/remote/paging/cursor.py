"""Pages with a cursor."""

from typing import Literal

from onward.table.remote.paging._base import Name, Page, Paging, next_value, with_parameter


class Cursor(Paging):
    """Each page has a cursor, which is a parameter of the request for the next page."""

    class Config(Paging.Config):
        """``field`` is the path of the cursor in the page, such as ``meta.next_cursor``."""

        type: Literal["cursor"] = "cursor"
        field: Name
        parameter: Name = "cursor"

    config: Config

    def following(self, page: Page) -> str | None:
        """The address with the cursor."""
        cursor = next_value(page, self.config.field)
        if cursor is None:
            return None
        return with_parameter(page.url, self.config.parameter, str(cursor))
