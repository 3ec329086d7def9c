"""What one service serves, and which route answers a request path."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.route_patterns import matches

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.facts.modules import Function


class RouteInfo(Record):
    """One served path. `methods` empty: any; `handler` None when it is not a function of this repository; `files` are all
    files the full path was derived from.
    """

    __slots__ = ("files", "framework", "handler", "loc", "methods", "path", "segments")
    files: list[str]
    framework: str
    handler: Function | None
    loc: Loc
    methods: list[str]
    path: str
    segments: list[str]


class RouteTable:
    """What one service serves. `complete`: no other path can be; `why_open` says what could serve more, with its place."""

    def __init__(self, routes: list[RouteInfo], why_open: list[tuple[str, Loc]], *, append_slash: bool) -> None:
        self.routes = routes
        self.why_open = why_open
        self.complete = not why_open and bool(routes)
        self._append_slash = append_slash

    def match(self, path: str, method: str = "GET") -> RouteInfo | None:
        """Return the route that answers a request path: one whose method fits first, a literal one before one with wildcards."""
        found: RouteInfo | None = None
        for route in self.routes:
            if not matches(route.segments, path, route.framework, append_slash=self._append_slash):
                continue
            fits = not route.methods or method in route.methods or (method == "HEAD" and "GET" in route.methods)
            literal = not any("*" in segment for segment in route.segments)
            if fits and literal:
                return route
            if fits and (found is None or (found.methods and method not in found.methods)):
                found = route
            found = found or route
        return found

    def nearest(self, path: str) -> RouteInfo | None:
        """Return the literal route most alike to a path that is not served, for a hint; None when none is near."""
        from difflib import SequenceMatcher

        best: tuple[float, RouteInfo] | None = None
        for route in self.routes:
            if any("*" in segment for segment in route.segments):
                continue
            score = SequenceMatcher(None, path.strip("/"), route.path.strip("/")).ratio()
            if best is None or score > best[0]:
                best = (score, route)
        return best[1] if best is not None and best[0] >= 0.5 else None
