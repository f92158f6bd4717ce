"""Pages with numbers."""

from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from onward.errors import DataError
from onward.table.remote.http import redact
from onward.table.remote.paging._base import Name, Page, Paging, with_parameter


class PageNumber(Paging):
    """A parameter has the number of the page, or of its first record; an empty page is the end."""

    class Config(Paging.Config):
        """The parameter is ``first`` for the first page, and ``step`` more for each one after it.

        For an offset in records, ``step`` is the number of records of a page. Then only the last
        page may have fewer.
        """

        type: Literal["page_number"] = "page_number"
        parameter: Name = "page"
        first: NonNegativeInt = 1
        step: PositiveInt = 1

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.is_short = False
        """Whether the page before has fewer records than a step."""

    def first(self, url: str) -> str:
        """The address with the first number."""
        return with_parameter(url, self.config.parameter, str(self.config.first))

    def following(self, page: Page) -> str | None:
        """The address with the next number.

        Raises:
            DataError: if the pages do not have ``step`` records, so that others would be lost.
        """
        self._refuse_gaps(page)
        # a server with smaller pages than a step shows itself right after a short one
        missing = self.config.step - page.num_records if self.is_short else 0
        number = self.config.first + page.number * self.config.step - missing
        next_page = with_parameter(page.url, self.config.parameter, str(number))
        return next_page if page.num_records else None

    def _refuse_gaps(self, page: Page) -> None:
        step = self.config.step
        if step == 1 or not page.num_records:  # a step of one counts pages of any size
            return
        if page.num_records > step or self.is_short:
            number, size = (page.number - 1, "fewer") if self.is_short else (page.number, "more")
            end = " and is not the last one" if self.is_short else ""
            raise DataError(
                f"{redact(page.url)}: page {number} has {size} records than the `step` of {step}"
                f"{end}, so that records would be lost or repeated. Set `step` to the number of"
                " records of a page"
            )
        self.is_short = page.num_records < step
