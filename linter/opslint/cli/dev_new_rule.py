"""The files of a new rule: they run and pass as they are made, so that an author changes one thing at a time."""

from __future__ import annotations

import os
import re

from opslint.base.errors import UsageError
from opslint.report import write_atomically

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")

_PAGE = '''"""{title}."""

from __future__ import annotations

{imports}

class {class_name}({base}):
    """{title}.

    What it finds:
        A call of `example_client.fetch` without `limit` (replace this with what the rule really finds).

    In production:
        What breaks after the deploy, and who notices first.

    Bad:
        # file: app.py
        import example_client

        example_client.fetch("https://example.org")  # expect: {name}

    Good:
        # file: app.py
        import example_client

        example_client.fetch("https://example.org", limit=10)

    Exempt:
        What looks the same and is fine.

    Fix safety:
        Why a fix would, or would not, change what the program does.

    Authority:
        https://example.org/the-documentation-this-rests-on
    """

    meta = Meta(
        "{name}",
        category="{category}",
        severity="warning",
        confidence="medium",
        authority="https://example.org/the-documentation-this-rests-on",
        summary="{title}.",
        help="The smallest safe change, in one sentence.",
        status="preview",
    )
{body}'''

_FILE_IMPORTS = """from opslint.api import TYPE_CHECKING, Calls, FileRule, Meta

if TYPE_CHECKING:
    from typing import Any

    from opslint.api import Reporter

"""

_FILE_BODY = '''    on = Calls("example_client.fetch")

    def check(self, view: Any, report: Reporter) -> None:
        """Report every such call."""
        if view.site.keyword("limit") is None and not view.site.has_star_kwargs:
            report(at=view.loc, message="what is wrong: what happens in production; the smallest safe change.")
'''

_PROJECT_IMPORTS = '''from opslint.api import TYPE_CHECKING, Extractor, Fact, Meta, ProjectRule

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.api import DeploymentModel, Reporter


class {fact}(Fact):
    """One call of `example_client.fetch`; `at` is the call, `limited` whether it has a limit (None: not known)."""

    __slots__ = ("limited",)
    limited: bool | None


def _extract(document: Any, emit: Callable[[Fact], None]) -> None:
    for view in document.views("calls", ("example_client.fetch",)):
        limited = True if view.site.keyword("limit") is not None else None if view.site.has_star_kwargs else False
        emit({fact}(at=document.places.add(view.loc[1]), limited=limited))


EXTRACTORS = (Extractor("python", ("example_client",), _extract),)

'''

_PROJECT_BODY = '''    needs = ({fact},)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report every such call."""
        for fact in model.facts({fact}):
            if fact.limited is None:
                report.silent("the arguments are not known", fact.loc)
            elif not fact.limited:
                report(at=fact.loc, message="what is wrong: what happens in production; the smallest safe change.")
'''


def create(name: str, category: str, kind: str, package: str, fixtures: str) -> list[str]:
    """Write the rule's file and two fixtures; return their paths. UsageError when the name is none or is taken."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no rule name: lower-case words joined by dashes, at least two")
    target = os.path.join(package, category, name.replace("-", "_") + ".py")
    folder = os.path.join(fixtures, name)
    for path in (target, folder):
        if os.path.lexists(path):
            raise UsageError(f"{path} is there already")
    words = name.split("-")
    class_name = "".join(word.capitalize() for word in words)
    fact = f"{class_name}Call"
    imports, body = (_FILE_IMPORTS, _FILE_BODY) if kind == "file" else (_PROJECT_IMPORTS, _PROJECT_BODY)
    text = _PAGE.format(
        base="FileRule" if kind == "file" else "ProjectRule",
        body=body.replace("{fact}", fact),
        category=category,
        class_name=class_name,
        imports=imports.replace("{fact}", fact),
        name=name,
        title=" ".join(words).capitalize(),
    )
    files = {
        target: text,
        os.path.join(folder, "bad", "plain", "app.py"): f"import example_client\n\nexample_client.fetch('x')  # expect: {name}\n",
        os.path.join(folder, "good", "plain", "app.py"): "import example_client\n\nexample_client.fetch('x', limit=1)\n",
    }
    for path, content in files.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_atomically(path, content)
    return list(files)
