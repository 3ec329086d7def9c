"""Reads that nothing uses as long as another variable, the switch or the choice of what they belong to, is not set."""

from __future__ import annotations

from opslint.base.masking import Masked
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.model.env_reads import Read
    from opslint.model.model import DeploymentModel
    from opslint.model.variables import Scope

_SWITCH_WORDS = frozenset("ENABLED ENABLE ACTIVE USE ON IS".split())
"""Words of a switch's name that do not say what it switches."""

_NEEDED = frozenset("ENABLED ENABLE ACTIVE USE".split())
_CHOICE_WORDS = frozenset("BACKEND EXPORTER PROVIDER TYPE DRIVER ENGINE STORE STORAGE TRANSPORT".split())
_OFF = frozenset(("", "0", "false", "no", "off", "none", "disabled", "f", "n"))
_NOWHERE = frozenset("console memory inmemory locmem dummy noop none null disabled stdout".split())
"""Choices that need no address: what stays in the process or is thrown away (Django's and OpenTelemetry's names for them)."""


class Switches:
    """The switches among the reads of one program, and what each turns off in one scope."""

    def __init__(self, model: DeploymentModel, scope: Scope, reads: Iterable[Read]) -> None:
        self.model = model
        self.scope = scope
        self.off: list[tuple[Read, list[str]]] = []
        self.chosen: list[tuple[Read, str]] = []
        for read in reads:
            words = _words(read.name)
            value = self._value(read)
            if value is None:
                continue
            if _NEEDED.intersection(words) or _NEEDED.intersection(_words(read.slot)):
                if value in _OFF:
                    self.off.append((read, [word for word in words if word not in _SWITCH_WORDS]))
            elif words[-1] in _CHOICE_WORDS and len(words) > 1 and _NOWHERE.intersection(value.replace(".", " ").split()):
                self.off.append((read, words[:-1]))
            if value.replace("_", "a").replace("-", "a").isalnum() and not value.isdigit() and value not in _OFF:
                self.chosen.append((read, value))

    def _value(self, read: Read) -> str | None:
        """What the program gets: the manifest's value, or the default; None when it is not known."""
        for name in (read.name, *read.aliases):
            binding = self.scope.get(name, ignore_case=read.ignore_case)
            if binding is not None:
                value = binding.entry.value.value if isinstance(binding.entry.value, Known) else None
                return value.plain.lower() if isinstance(value, Masked) and value.plain is not None else None
        if self.model.variables.is_set(self.scope, read):
            return None
        if read.default is not None:
            return read.default.lower()
        return "" if read.default_kind in ("none", "empty") or read.missing in ("none", "handled") else None

    def off_by(self, read: Read) -> str:
        """Return the switch or choice because of which nothing uses a read, "" when something may: one for all of its object is off, or
        one for the name's first words, or the read belongs to a module beside the one that is chosen.
        """
        words = _words(read.name)
        for switch, stem in self.off:
            if switch is read or switch.name == read.name:
                continue
            if stem and len(stem) < len(words) and words[: len(stem)] == stem:
                return switch.name
            same = switch.loc[0] == read.loc[0] and switch.holder and switch.holder == read.holder
            if same and all(word in _SWITCH_WORDS for word in _words(switch.slot)):
                return switch.name
        return self._not_chosen_by(read)

    def _not_chosen_by(self, read: Read) -> str:
        """The read stands in ``groq_provider.py`` beside ``gemini_provider.py``, and what chooses beside or above them says ``gemini``."""
        directory, _, name = read.loc[0].rpartition("/")
        parts = name.removesuffix(".py").split("_")
        for choice, value in self.chosen:
            where = choice.loc[0].rpartition("/")[0]
            if (
                directory not in (where, f"{where}/{directory.rpartition('/')[2]}")
                or value in parts
                or choice.loc[0] == read.loc[0]
            ):
                continue
            for at in range(len(parts)):
                other = "_".join([*parts[:at], value, *parts[at + 1 :]])
                if f"{directory}/{other}.py".lstrip("/") in self.model.files:
                    return choice.name
        return ""


def _words(name: str) -> list[str]:
    return [word for word in name.upper().split("_") if word] or [""]
