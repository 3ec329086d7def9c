"""The configuration of a project, read and validated when its file changed, else taken from what was kept of it."""

from __future__ import annotations

import os

from opslint.base.settings import default_settings
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.discover import configuration_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from opslint.base.rule import Option
    from opslint.base.settings import ProjectSettings
    from opslint.engine.cache import Cupboard
    from opslint.engine.packs import Packs

_RACY_NS = 2_000_000_000


def settings_of(root: str, explicit: str | None, packs: Packs, cupboard: Cupboard | None) -> ProjectSettings:
    """Return the settings of the project at `root` (`explicit`: the file of ``--config``). ConfigError says what is wrong.

    `tomllib` and `jsonschema` cost more than a run on one file: they are imported only when the file, or the installed packs
    that say which rules and options there are, changed.
    """
    path = explicit or configuration_of(root)
    if path is None:
        return default_settings()
    key = _key(root, path) if cupboard is not None else ""
    stamp = _stamp(path, packs)
    if cupboard is not None and stamp is not None:
        kept = cupboard.get(key)
        if kept is not None and kept[0] == stamp:
            from opslint.config.load import from_json

            try:
                return from_json(kept[1])[0]
            except (ValueError, TypeError, KeyError):
                # Kept by another version: read again.
                pass
    from opslint.config.load import load, to_json

    settings, origins = load(root, path, names=list(packs.rules), options_of=options_finder(packs))
    if cupboard is not None and stamp is not None:
        cupboard.put(key, [stamp, to_json(settings, origins)])
    return settings


def options_finder(packs: Packs) -> Any:
    """Return a function that gives a rule's options; a rule without any is not imported for it."""

    def options_of(name: str) -> Sequence[Option]:
        if not packs.rules[name].option_names:
            return ()
        rule = packs.rule(name)
        return () if rule is None else rule.meta.options

    return options_of


def _key(root: str, path: str) -> str:
    from opslint.engine.packs import digest

    return "settings-" + digest(f"{root}\0{os.path.abspath(path)}")


def _stamp(path: str, packs: Packs) -> list[Any] | None:
    """Return what the settings depend on; None when the file is gone or too fresh to be told apart by its times."""
    import time

    try:
        status = os.stat(path)
    except OSError:
        return None
    if time.time_ns() - status.st_mtime_ns < _RACY_NS:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ino, packs.stamp]
