"""From a method and a path to a route: one step per segment through nested tables, made once."""

from collections.abc import Iterable
from typing import Any

from anka.api.call import Route
from anka.api.problems import MethodNotAllowed, UnknownPath

LONGEST_PATH = 400
LONGEST_SEGMENT = 120
_NAME, _METHODS = "{}", "{methods}"


class Matcher:
    """Finds the route of a request. Names in braces match one segment; a fixed segment is preferred to a name."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root: dict[str, Any] = {}
        for route in routes:
            node = self._root
            for segment in route.path.strip("/").split("/"):
                named = segment.startswith("{")
                node = node.setdefault(_NAME, (segment.strip("{}"), {}))[1] if named else node.setdefault(segment, {})
            if node.setdefault(_METHODS, {}).setdefault(route.method, route) is not route:
                raise ValueError(f"{route.name} is in the table twice")

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route and the values of the names in its path. HEAD is served by the GET route.

        Raises:
            UnknownPath: nothing is served there. MethodNotAllowed: it is, with other methods.
        """
        if len(path) > LONGEST_PATH or not path.isascii() or not path.isprintable():
            raise UnknownPath
        node, values = self._root, {}
        for segment in path[1:].split("/"):
            fixed = node.get(segment) if segment not in (_NAME, _METHODS) else None
            if fixed is not None:
                node = fixed
                continue
            named = node.get(_NAME)
            if named is None or not 0 < len(segment) <= LONGEST_SEGMENT:
                raise UnknownPath
            values[named[0]] = segment
            node = named[1]
        methods: dict[str, Route] | None = node.get(_METHODS)
        if methods is None:
            raise UnknownPath
        found = methods.get("GET" if method == "HEAD" else method)
        if found is None:
            allow = ", ".join(sorted({*methods, *(("HEAD",) if "GET" in methods else ())}))
            raise MethodNotAllowed(allow=allow)
        return found, values
