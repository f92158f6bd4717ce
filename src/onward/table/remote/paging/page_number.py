"""Pages with numbers."""

from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from onward.table.remote.paging._base import Name, Page, Paging, with_parameter


class PageNumber(Paging):
    """A parameter has the number of the page, or of its first record; an empty page is the end."""

    class Config(Paging.Config):
        """The parameter is ``first`` for the first page, and ``step`` more for each one after it.

        For an offset in records, ``step`` is the number of records of a page.
        """

        type: Literal["page_number"] = "page_number"
        parameter: Name = "page"
        first: NonNegativeInt = 1
        step: PositiveInt = 1

    config: Config

    def first(self, url: str) -> str:
        """The address with the first number."""
        return with_parameter(url, self.config.parameter, str(self.config.first))

    def following(self, page: Page) -> str | None:
        """The address with the next number."""
        number = self.config.first + page.number * self.config.step
        next_page = with_parameter(page.url, self.config.parameter, str(number))
        return next_page if page.num_records else None
