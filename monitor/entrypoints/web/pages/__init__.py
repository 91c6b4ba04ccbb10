"""The snapshot as HTML; everything that templates show is chosen here."""

from monitor.entrypoints.web.pages.changes import change_page, changes_page
from monitor.entrypoints.web.pages.domain import domain_page
from monitor.entrypoints.web.pages.overview import overview_page
from monitor.entrypoints.web.pages.rendering import Frame, error_page
from monitor.entrypoints.web.pages.resolvers import resolvers_page

__all__ = [
    "Frame",
    "change_page",
    "changes_page",
    "domain_page",
    "error_page",
    "overview_page",
    "resolvers_page",
]
