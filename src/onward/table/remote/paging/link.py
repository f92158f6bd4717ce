"""Pages with the address of the next one."""

from typing import Literal

from onward.table.remote.paging._base import Name, Page, Paging, next_value, note_only_page


class Link(Paging):
    """Each page has the address of the next one, in a field or in the header ``Link``."""

    class Config(Paging.Config):
        """``field`` is a path in the page, such as ``links.next``; null for the header."""

        type: Literal["link"] = "link"
        field: Name | None = None

    config: Config

    def following(self, page: Page) -> str | None:
        """The address that the page gives."""
        if self.config.field is None:
            if page.link is None:
                note_only_page(page, "header `Link` with rel=next")
            return page.link
        link = next_value(page, self.config.field)
        return None if link is None else str(link)
