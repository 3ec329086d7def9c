"""What every reader returns."""

from __future__ import annotations

from opslint.base.location import Places
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.location import Span


class ReadProblem(Exception):  # noqa: N818 - "problem" is the word of the output contract
    """A file could not be read to its end. `kind` is a problem kind (``parse-error``, ``decode-error``, ``limit``)."""

    def __init__(self, kind: str, message: str, span: Span = (1, 1, 1, 1)) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.span = span


class Document:
    """One parsed file. Lives and dies inside one worker; never cached, never pickled.

    `kind` is the refined kind (`opslint.engine.classify` says what the path says, the reader what the content says);
    `places` the table that the nodes' places and the facts' places index; `problems` are non-fatal read problems
    (error-tolerant readers go on).
    """

    def __init__(self, data: bytes, kind: str) -> None:
        self.data = data
        self.kind = kind
        self.places = Places()
        self.problems: list[ReadProblem] = []

    def views(self, hook: str, names: tuple[str, ...]) -> Iterator[Any]:
        """Yield the views a file rule subscribed to (`opslint.base.rule.Subscription`); none by default."""
        return iter(())

    def comments(self) -> Iterator[tuple[Span, str, bool]]:
        """Yield real comments holding ``opslint:`` as (span, text after the comment mark, alone on its line)."""
        return iter(())

    def block_end(self, line: int) -> int:
        """Return the last line of the block that `line` opens (def, class, HCL block, YAML key…), or `line` itself."""
        return line
