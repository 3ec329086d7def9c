"""Making the catalogue of a pack: every module of it is imported once, and what the engine must know is written down.

Used by the wheel's build hook and, for source trees and packs without a written catalogue, on first use.
"""

from __future__ import annotations

import os

from opslint.base.rule import Catalogued, FileRule, Meta, ProjectRule, Rule
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.packs import extractors_in

if TYPE_CHECKING:
    from typing import Any


def build(package: str, directory: str, pack: str) -> dict[str, Any]:
    """Return ``{"rules", "extractors", "errors"}`` of a package: entries sorted by name, in JSON values only."""
    rules: list[dict[str, Any]] = []
    extractors: list[list[Any]] = []
    errors: list[str] = []
    for name in module_names(package, directory):
        try:
            module = __import__(name, fromlist=["*"])
        except Exception as error:  # noqa: BLE001 - whatever a pack or reader raises is a problem of the run, not its end
            errors.append(f"{name} could not be imported: {type(error).__name__}: {error}")
            continue
        for extractor in extractors_in(module):
            literals = [_text(literal) for literal in extractor.literals]
            extractors.append([name, extractor.kind, literals, extractor.weak])
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == name and "meta" in vars(value):
                try:
                    rules.append(entry(value, pack))
                except Exception as error:  # noqa: BLE001 - whatever a pack or reader raises is a problem of the run, not its end
                    errors.append(f"{name}.{value.__name__} is no rule: {type(error).__name__}: {error}")
    return {"errors": errors, "extractors": extractors, "rules": sorted(rules, key=lambda rule: str(rule["name"]))}


def module_names(package: str, directory: str) -> list[str]:
    """Return the dotted names of all modules below a package's directory, sorted; names starting with ``_`` are left out."""
    names = []
    pending = [(directory, package)]
    while pending:
        current, prefix = pending.pop()
        for item in os.scandir(current):
            if item.name.startswith(("_", ".")):
                continue
            if item.name.endswith(".py") and item.is_file():
                names.append(f"{prefix}.{item.name[:-3]}")
            elif item.is_dir() and item.name.isidentifier():
                pending.append((item.path, f"{prefix}.{item.name}"))
    return sorted(names)


def entry(rule: type[Rule], pack: str) -> dict[str, Any]:
    """Return the catalogue entry of one rule class. TypeError when its metadata is not what it must be."""
    meta = rule.meta
    if not isinstance(meta, Meta):
        raise TypeError("meta is no Meta")
    if not issubclass(rule, FileRule | ProjectRule):
        raise TypeError("neither a FileRule nor a ProjectRule")
    hook, watches, needs, joins = None, [], [], []
    literals = [_text(literal) for literal in rule.literals]
    if issubclass(rule, FileRule):
        hook = rule.on.hook
        watches = list(rule.on.names)
        literals = literals or implied_literals(hook, watches)
    else:
        needs = [fact.kind for fact in rule.needs]
        joins = [fact if isinstance(fact, str) else fact.kind for fact in rule.joins]
    values = {
        "authority": meta.authority,
        "category": meta.category,
        "class_name": rule.__name__,
        "confidence": meta.confidence,
        "default": meta.default,
        "file_rule": issubclass(rule, FileRule),
        "fix": meta.fix,
        "help": meta.help,
        "hook": hook,
        "joins": joins,
        "literals": literals,
        "module": rule.__module__,
        "name": meta.name,
        "needs": needs,
        "option_names": [option.name for option in meta.options],
        "pack": pack,
        "severity": meta.severity,
        "status": meta.status,
        "summary": meta.summary,
        "watches": watches,
    }
    return {name: values[name] for name in Catalogued.FIELDS}


def implied_literals(hook: str, names: list[str]) -> list[str]:
    """Return the literals that a subscription's names imply.

    A call resolved to ``requests.get`` stands in a file that has the word ``requests``; blocks and objects are written
    by their type. Instructions may be written in any case.
    """
    if hook == "calls":
        return sorted({name.partition(".")[0] for name in names})
    if hook in ("blocks", "objects"):
        return sorted(set(names))
    return []


def _text(literal: str | bytes) -> str:
    return literal.decode("utf-8") if isinstance(literal, bytes) else literal
