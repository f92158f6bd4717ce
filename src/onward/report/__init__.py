"""The report: one page of HTML that needs nothing else, and two cards in Markdown."""
