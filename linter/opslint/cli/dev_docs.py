"""`opslint dev docs`: the rule table in docs/rules.md, made from the catalogue, and the schemas beside it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from opslint.base.errors import UsageError
from opslint.base.finding import CATEGORIES
from opslint.report import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from opslint.base.rule import Catalogued

BEGIN = "<!-- rules: made by `opslint dev docs`; do not edit below -->"
END = "<!-- rules end -->"
KEYS_BEGIN = "<!-- keys: made by `opslint dev docs`; do not edit below -->"
KEYS_END = "<!-- keys end -->"


@click.command()
@click.option("--file", "path", default=os.path.join("docs", "rules.md"), metavar="FILE", help="[default: docs/rules.md]")
@click.option("--pack", default="opslint", metavar="NAME", help="Only the rules of this pack [default: opslint].")
@click.option("--check", "checking", is_flag=True, help="Write nothing; exit 1 when the file is not current.")
def docs(path: str, pack: str, checking: bool) -> int:
    """Write the rule table between the marks of FILE (appended to a file without marks), and schema/ beside it."""
    from opslint.cli.packs import installed

    packs = installed()
    if packs.problems:
        raise UsageError(packs.problems[0].message)
    before = _text(path) or "# Rules\n"
    wanted = {path: with_table(before, (rule for rule in packs.rules.values() if rule.pack == pack))}
    keys = os.path.join(os.path.dirname(path), "configuration.md")
    page = _text(keys)
    if page is not None and KEYS_BEGIN in page:
        wanted[keys] = between(page, KEYS_BEGIN, KEYS_END, key_table())
    for name, text in schemas().items():
        wanted[os.path.join(os.path.dirname(path), "schema", name)] = text
    stale = [file for file, text in wanted.items() if _text(file) != text]
    if checking:
        for file in stale:
            sys.stderr.write(f"opslint: {file} is not current; run `opslint dev docs`\n")
        return 1 if stale else 0
    for file in stale:
        os.makedirs(os.path.dirname(file) or ".", exist_ok=True)
        write_atomically(file, wanted[file])
    return 0


def schemas() -> dict[str, str]:
    """Return the published JSON Schemas by file name: the same text that the package ships."""
    from importlib.resources import files

    return {
        "config-1.schema.json": files("opslint.config").joinpath("schema/config-1.schema.json").read_text("utf-8"),
        "model-1.schema.json": files("opslint.cli").joinpath("schema/model-1.schema.json").read_text("utf-8"),
        "report-1.schema.json": files("opslint.report").joinpath("schema/report-1.schema.json").read_text("utf-8"),
    }


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def with_table(text: str, rules: Iterable[Catalogued]) -> str:
    """Return `text` with the table of `rules` between its marks."""
    return between(text, BEGIN, END, table(rules))


def between(text: str, first: str, last: str, made: str) -> str:
    """Return `text` with `made` between two marks, appended where it has none."""
    head, begin, rest = text.partition(first)
    _old, _end, tail = rest.partition(last)
    if not begin:
        head, tail = text.rstrip("\n") + "\n\n", "\n"
    return f"{head}{first}\n{made}{last}{tail}"


def key_table() -> str:
    """Return the configuration keys as a Markdown table, from the schema that validates them."""
    import json

    schema = json.loads(schemas()["config-1.schema.json"])
    lines = ["", "| key | holds | meaning |", "|---|---|---|"]
    for name, entry in schema["properties"].items():
        lines += _key_rows(name, entry, schema["$defs"])
    return "\n".join(lines) + "\n\n"


def _key_rows(name: str, entry: dict[str, Any], definitions: dict[str, Any]) -> list[str]:
    items = entry.get("items", {})
    inner = items if "properties" in items else items.get("else", entry)
    rows = [] if inner is not entry and items is inner else [_key_row(name, entry, definitions)]
    if items is inner:
        rows.append(f"| `[[{name}]]` | tables | {entry.get('description', '')} |")
    elif inner is not entry:
        rows.append(f"| `[[{name}]]` | tables | See above. |")
    for key, value in inner.get("properties", {}).items():
        required = " Required." if key in inner.get("required", ()) else ""
        rows.append(_key_row(f"{name}.{key}", value, definitions, required))
    return rows


def _key_row(name: str, entry: dict[str, Any], definitions: dict[str, Any], more: str = "") -> str:
    target = definitions.get(entry.get("$ref", "").rpartition("/")[2], {})
    holds = {**target, **entry}
    if "enum" in holds:
        kind = ", ".join(f"`{word}`" for word in holds["enum"])
    elif holds.get("type") == "array":
        kind = "list"
    else:
        kind = {"object": "table"}.get(holds.get("type", ""), holds.get("type", ""))
    return f"| `{name.replace('_', '-')}` | {kind} | {holds.get('description', '')}{more} |".replace("  ", " ")


def table(rules: Iterable[Catalogued]) -> str:
    """Return one Markdown table a category."""
    rows: dict[str, list[Catalogued]] = {}
    for rule in rules:
        rows.setdefault(rule.category, []).append(rule)
    lines: list[str] = []
    for category in CATEGORIES:
        if category not in rows:
            continue
        lines += [
            "",
            f"### {category}",
            "",
            "| rule | severity | confidence | on | sees | fix | finds |",
            "|---|---|---|---|---|---|---|",
        ]
        for rule in sorted(rows[category], key=lambda entry: entry.name):
            on = "yes" if rule.default else rule.status if rule.status != "stable" else "no"
            sees = "one file" if rule.file_rule else "the project"
            summary = rule.summary.rstrip(".").replace("|", "\\|")
            cells = [f"[`{rule.name}`]({rule.authority})", rule.severity, rule.confidence, on, sees, rule.fix or "", summary]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n\n"
