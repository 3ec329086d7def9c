"""Files under a ``templates/`` directory: Helm templates, or plain YAML when they hold no template action.

A file with actions is parsed as a Go template only to know that its structure can be followed; it is rendered
when the chart's values are known (`opslint.model.helm`).
"""

from __future__ import annotations

from opslint.base.tree import Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document, ReadProblem

if TYPE_CHECKING:
    from opslint.base.location import Loc, Span
    from opslint.base.masking import Masked

_MARKS = (
    b".Values",
    b".Release",
    b".Chart",
    b'include "',
    b"{{-",
    b"-}}",
    b"{{/*",
    b"{{ define",
    b"{{ template",
    b".Capabilities",
)
"""What tells a Helm template from the template of another tool (Jinja, CloudFormation, CI)."""


TOKEN = "unknown-value"  # noqa: S105 - a word in rendered text, no password
"""What an unknown value of a template prints as; a mark tells it from text that happens to read the same."""


class HelmDocument(Document):
    """A Helm template whose structure was followed. `text` is its source."""

    def __init__(self, data: bytes, text: str) -> None:
        super().__init__(data, "helm-template")
        self.text = text


class SourcedScalar(Scalar):
    """A rendered scalar that knows more than its template: `origins` are the values files' places that it was printed from
    (in order), `guess` says which part of it is only likely (``the release's name``), else "".
    """

    __slots__ = ("guess", "origins")

    def __init__(self, text: str, at: int | Span, *, quoted: bool, path: str, origins: tuple[Loc, ...], guess: str) -> None:
        super().__init__(text, at, quoted=quoted, path=path)
        self.origins = origins
        self.guess = guess

    def with_mask(self, masked: Masked) -> SourcedScalar:
        """A copy without its text."""
        made = SourcedScalar("", self.at, quoted=self.quoted, path=self.path, origins=self.origins, guess=self.guess)
        made.masked = masked
        return made


def read(data: bytes, kind: str) -> Document:
    """Read a file under ``templates/``. Raises ReadProblem, with kind ``template`` for other tools' templates."""
    if b"{{" not in data.replace(b"{{resolve:", b""):
        from opslint.syntax import yaml

        return yaml.read(data, "yaml")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ReadProblem("decode-error", f"not valid UTF-8: {error.reason}", (line, 1, line, 1)) from None
    from opslint.syntax import gotemplate

    helm = any(mark in data for mark in _MARKS)
    if not helm or b"{%" in data:
        raise ReadProblem("template", "a template of another tool, not YAML yet")
    gotemplate.parse(text)
    return HelmDocument(data, text)
