"""Start commands → the repository modules they run: wrappers taken off, shells and entry-point scripts read through."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.shell import ScriptCommand
from opslint.model import start_commands as data
from opslint.model.image import absolute
from opslint.model.records import Entry
from opslint.model.shell_tests import holds
from opslint.model.start_words import (
    after_env,
    after_options,
    after_verb,
    defaulted,
    manage_role,
    role_of_name,
    shifted,
    split_options,
)

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.facts.shell import ShellScript
    from opslint.model.start_files import StartFiles

MAX_DEPTH = 6
"""How deep scripts that start scripts are followed."""


class Start(Record):
    """What a start command comes to.

    `entries` in the order they run; `opens` why the variables cannot all be known (a secret runner, a sourced file), with its place;
    `exports` the (name, place) that scripts set for what they start; `required` the (name, place) they insist on (``${X:?}``).
    """

    __slots__ = ("entries", "exports", "opens", "required")
    entries: list[Entry]
    exports: list[tuple[str, Loc]]
    opens: list[tuple[str, Loc]]
    required: list[tuple[str, Loc]]


class Arguments:
    """The arguments a script is started with, and where they are written."""

    __slots__ = ("loc", "words")

    def __init__(self, words: list[str], loc: Loc) -> None:
        self.words = words
        self.loc = loc


class Resolver:
    """Resolves the start command of one container against the files of its image."""

    def __init__(self, files: StartFiles) -> None:
        self.files = files
        self.start = Start(entries=[], exports=[], opens=[], required=[])
        self.read: list[str] = []
        self.cwd = files.workdir

    def run(self, words: list[str], loc: Loc, *, shell: bool = False) -> Start:
        """Resolve a command; `shell`: the one word is a line for a shell."""
        if shell and words:
            self._line(words[0], Arguments([], loc), loc, 0)
        elif words:
            self._words(words, loc, 0)
        return self.start

    def _words(self, words: list[str], loc: Loc, depth: int) -> None:
        words = self._unwrapped(words, loc)
        if not words or depth > MAX_DEPTH:
            return
        program = words[0].rpartition("/")[2]
        if program in data.SHELLS:
            self._shell(words, loc, depth)
            return
        script = self.files.script(absolute(self.cwd, words[0])) if "/" in words[0] or "." in words[0] else None
        if script is None and "/" not in words[0] and program not in data.SERVER_ROLES:
            script = self.files.on_path(words[0])
        if script is not None:
            self._script(script, Arguments(words[1:], loc), depth)
            return
        self._program(program, words, loc)

    def _unwrapped(self, words: list[str], loc: Loc) -> list[str]:
        """Take off leading programs that only start another one."""
        for _ in range(12):
            if not words:
                return words
            program = words[0].rpartition("/")[2]
            rest = words[1:]
            name, equals, _value = words[0].partition("=")
            if equals and name.replace("_", "a").isalnum():
                words = rest
            elif program == "env":
                words = after_env(rest)
            elif program in data.DASHED or program.startswith(("wait-for", "wait_for")):
                if program in data.SECRET_RUNNERS:
                    self.start.opens.append((f"{program} sets variables from its store", loc))
                if "--" not in rest:
                    return words if program not in data.SECRET_RUNNERS else after_verb(rest)
                words = rest[rest.index("--") + 1 :]
            elif (
                program in data.WRAPPERS_WITH_VERB
                and rest
                and any(verb in rest[:4] for verb in data.WRAPPERS_WITH_VERB[program][0])
            ):
                verbs, options = data.WRAPPERS_WITH_VERB[program]
                at = next(i for i, word in enumerate(rest) if word in verbs)
                words = after_options(rest[at + 1 :], options)
            elif program in data.WRAPPERS:
                words = after_options(rest, data.WRAPPERS[program])
            elif program in data.ARGUMENT_WRAPPERS:
                words = after_options(rest, frozenset(("-s", "-k")))[data.ARGUMENT_WRAPPERS[program] :]
            else:
                return words
        return words

    def _shell(self, words: list[str], loc: Loc, depth: int) -> None:
        for at, word in enumerate(words[1:], 1):
            if word.startswith("-") and not word.startswith("--") and "c" in word[1:]:
                if at + 1 < len(words):
                    self._line(words[at + 1], Arguments(words[at + 3 :], loc), loc, depth + 1)
                return
            if not word.startswith(("-", "+")):
                script = self.files.script(absolute(self.cwd, word))
                if script is not None:
                    self._script(script, Arguments(words[at + 1 :], loc), depth)
                return

    def _line(self, text: str, arguments: Arguments, loc: Loc, depth: int) -> None:
        from opslint.syntax.shell import commands

        found = [
            ScriptCommand(
                0, c.words, [[n, v] for n, v in c.assignments], c.depth, c.test, c.function, c.joined, c.follow, c.nested, c.when
            )
            for c in commands(text)
        ]
        self._commands([(command, loc) for command in found], arguments, depth)

    def _script(self, script: ShellScript, arguments: Arguments, depth: int) -> None:
        self.read.append(script.path)
        self.start.required.extend((name, script.place(at)) for name, at in script.required)
        self._commands([(step, script.place(step.at)) for step in script.steps()], arguments, depth + 1)

    def _commands(self, steps: list[tuple[ScriptCommand, Loc]], arguments: Arguments, depth: int) -> None:
        """Follow the commands of a script in order; inside conditions only what every run of them would start."""
        before = len(self.start.entries)
        functions: dict[str, list[tuple[ScriptCommand, Loc]]] = {}
        for step, loc in steps:
            if step.function:
                functions.setdefault(step.function, []).append((step, loc))
        conditional: list[tuple[ScriptCommand, Loc]] = []
        for step, loc in steps:
            if step.function or step.nested or step.test:
                continue
            runs = holds(step.when, arguments.words) if step.depth else True
            if runs is False:
                continue
            if runs and step.words[:1] in (["shift"], ["set"]):
                arguments = Arguments(shifted(step.words, arguments.words), arguments.loc)
            elif step.words and step.words[0] in functions and depth < MAX_DEPTH:
                inner = [(_outside(call), place) for call, place in functions[step.words[0]]]
                self._commands(inner, Arguments(step.words[1:], loc), depth + 1)
            elif runs is None and step.words[:1] not in (["export"], ["source"], ["."]):
                conditional.append((step, loc))
            else:
                self._step(step, loc, arguments, depth)
                if runs and len(step.words) > 1 and step.words[0] == "exec" and not step.joined and step.follow in ("", "||"):
                    break  # the shell is replaced: what stands below does not run
        if not any(entry.role in ("web", "worker", "beat") for entry in self.start.entries[before:]):
            self._only_choice(conditional, arguments, depth)

    def _only_choice(self, conditional: list[tuple[ScriptCommand, Loc]], arguments: Arguments, depth: int) -> None:
        """Follow the commands inside conditions when all that they start is one and the same code."""
        kept = self.start.entries
        tried: list[Entry] = []
        for step, loc in conditional:
            self.start.entries = []
            self._step(step, loc, arguments, depth)
            tried.extend(entry for entry in self.start.entries if entry.role in ("web", "worker", "beat"))
        self.start.entries = kept
        if tried and all((entry.modules, entry.role) == (tried[0].modules, tried[0].role) for entry in tried):
            kept.append(tried[0])

    def _step(self, step: ScriptCommand, loc: Loc, arguments: Arguments, depth: int) -> None:
        words: list[str] = []
        for word in step.words:
            if word in ("$@", "$*", "${@}"):
                if all(before in data.WRAPPERS or before in data.ARGUMENT_WRAPPERS for before in words):
                    loc = arguments.loc  # what is started is written where the arguments are
                words.extend(arguments.words)
            elif word.startswith("$") and word[1:].isdigit():
                words.extend(arguments.words[int(word[1:]) - 1 : int(word[1:])])
            else:
                words.append(defaulted(word))
        if not words:
            return
        if words[0] == "cd" and len(words) > 1 and "$" not in words[1]:
            self.cwd = absolute(self.cwd, words[1])
        elif words[0] == "export":
            self.start.exports.extend((word.partition("=")[0], loc) for word in words[1:] if not word.startswith("-"))
        elif words[0] in ("source", ".") and len(words) > 1:
            self._sourced(words[1], loc, depth)
        elif words[0] == "eval":
            self.start.opens.append(("eval in the entry-point script", loc))
        else:
            self._words(words, loc, depth + 1)

    def _sourced(self, name: str, loc: Loc, depth: int) -> None:
        if name.endswith(("/activate", "activate")):
            return
        script = self.files.script(absolute(self.cwd, name))
        if script is not None and depth < MAX_DEPTH:
            self._script(script, Arguments([], loc), depth)
        else:
            self.start.opens.append((f"{name} is sourced by the entry-point script", loc))

    def _program(self, program: str, words: list[str], loc: Loc) -> None:
        rest = words[1:]
        if (program.startswith("python") and program[6:].replace(".", "").isdigit()) or program in ("python", "pypy3"):
            self._python(rest, words, loc)
        elif program == "manage.py" or program.endswith("/manage.py"):
            self._manage(words[0], rest, words, loc)
        elif program == "django-admin":
            self._add(words, loc, role=manage_role(rest), server="django-admin", modules=[], app="")
        elif program.endswith(".py"):
            self._file(words[0], words, loc)
        elif program in data.SERVER_ROLES:
            self._server(program, rest, words, loc)
        elif program == "supervisord":
            self._supervised(rest)

    def _supervised(self, rest: list[str]) -> None:
        """Each program of a supervisord file is started as a command of its own."""
        options, _positional = split_options(rest, frozenset(("-c", "--configuration")))
        config = options.get("-c") or options.get("--configuration") or ""
        before = self.cwd
        for program in self.files.supervised(absolute(self.cwd, config) if config else ""):
            self.cwd = absolute(before, program.directory) if program.directory else before
            self.read.append(program.path)
            self.start.exports.extend((name, program.loc) for name in program.variables)
            self._line(program.command, Arguments([], program.loc), program.loc, 1)
        self.cwd = before

    def _python(self, rest: list[str], words: list[str], loc: Loc) -> None:
        at = 0
        while at < len(rest) and rest[at].startswith("-") and rest[at] not in ("-m", "-c"):
            at += 2 if rest[at] in data.PYTHON_OPTIONS_WITH_VALUE else 1
        if at >= len(rest) or rest[at] == "-c":
            return
        if rest[at] == "-m" and at + 1 < len(rest):
            module = rest[at + 1]
            if module.startswith("${") and module.endswith("}"):
                module = self.files.module_named_by(module[2:-1]) or module
            if module in data.SERVER_ROLES and not self.files.module(module, self.cwd):
                self._server(module, rest[at + 2 :], words, loc)
            elif module == "opentelemetry.instrumentation.auto_instrumentation":
                self._words(rest[at + 2 :], loc, 1)
            else:
                found = self.files.module(f"{module}.__main__", self.cwd) or self.files.module(module, self.cwd)
                self._add(words, loc, role=role_of_name(module), server="", modules=found, app=module)
        elif rest[at].rpartition("/")[2] == "manage.py":
            self._manage(rest[at], rest[at + 1 :], words, loc)
        else:
            self._file(rest[at], words, loc)

    def _file(self, name: str, words: list[str], loc: Loc) -> None:
        found = self.files.file(absolute(self.cwd, name))
        self._add(words, loc, role=role_of_name(name.rpartition("/")[2].removesuffix(".py")), server="", modules=found, app=name)

    def _manage(self, name: str, rest: list[str], words: list[str], loc: Loc) -> None:
        found = self.files.file(absolute(self.cwd, name))
        settings = next((word.partition("=")[2] for word in rest if word.startswith("--settings=")), "")
        if settings:
            found = [*found, *self.files.module(settings, self.cwd)]
        self._add(words, loc, role=manage_role(rest), server="manage.py", modules=[*found, *self._django_settings()], app=name)

    def _django_settings(self) -> list[str]:
        module = self.files.plain("DJANGO_SETTINGS_MODULE")
        return self.files.module(module, self.cwd) if module else []

    def _server(self, program: str, rest: list[str], words: list[str], loc: Loc) -> None:
        options, positional = split_options(rest, data.VALUE_OPTIONS.get(program, frozenset()))
        directory = options.get("--chdir") or options.get("--app-dir") or options.get("--workdir") or options.get("--pythonpath")
        cwd = absolute(self.cwd, directory) if directory else self.cwd
        role = data.SERVER_ROLES[program]
        named: list[str] = []
        if program == "celery":
            named = [options.get("-A") or options.get("--app") or self.files.plain("CELERY_APP") or ""]
            role = "beat" if "beat" in positional else "worker" if "worker" in positional else "command"
        elif program == "flask":
            named = [options.get("--app") or options.get("-A") or self.files.plain("FLASK_APP") or "app"]
            role = "migrate" if positional[:2] == ["db", "upgrade"] else "web" if "run" in positional else "command"
        elif program == "alembic":
            role = "migrate" if "upgrade" in positional else "command"
        elif program in ("streamlit", "chainlit", "fastapi", "node"):
            targets = [word for word in positional if word not in ("run", "dev")]
            found = self.files.file(absolute(cwd, targets[0])) if targets else []
            self._add(words, loc, role=role, server=program, modules=found, app=targets[0] if targets else "")
            return
        elif program in ("rq", "rqworker", "procrastinate"):
            named = [options.get("-c") or options.get("--config") or options.get("--app") or ""]
        else:
            named = positional[:1] if program not in ("dramatiq", "taskiq", "arq") else [w for w in positional if w != "worker"]
        modules: list[str] = []
        for target in named:
            modules.extend(self._target(target, cwd))
        config = options.get("-c") or options.get("--config") if program in ("gunicorn", "hypercorn") else None
        if config:
            modules.extend(self.files.file(absolute(cwd, config.removeprefix("file:"))))
        if role in ("web", "worker", "beat") and modules:
            modules.extend(path for path in self._django_settings() if path not in modules)
        self._add(words, loc, role=role, server=program, modules=modules, app=named[0] if named else "")

    def _target(self, target: str, cwd: str) -> list[str]:
        """Return the files of ``a.b:app``, ``a.b``, ``a/b.py`` or ``package`` (Celery: its `celery` module as well)."""
        module = target.partition(":")[0].partition("(")[0]
        if not module:
            return []
        if module.endswith(".py"):
            return self.files.file(absolute(cwd, module))
        found = self.files.module(module, cwd)
        if not found and "." in module and ":" not in target:
            found = self.files.module(module.rpartition(".")[0], cwd)
        if found and found[0].endswith("/__init__.py"):
            found = [*found, *self.files.module(f"{module}.celery", cwd)]
        return found

    def _add(self, words: list[str], loc: Loc, *, role: str, server: str, modules: list[str], app: str) -> None:
        files = [*dict.fromkeys([*self.read, *([loc[0]] if loc[0] else [])])]
        unique = list(dict.fromkeys(modules))
        self.start.entries.append(
            Entry(app=app, files=files, loc=loc, modules=unique, role=role, server=server, words=list(words))
        )


def _outside(step: ScriptCommand) -> ScriptCommand:
    """A command of a function body as it runs where the function is called."""
    at, words, assignments, depth = step.at, step.words, step.assignments, step.depth
    return ScriptCommand(at, words, assignments, depth, step.test, "", step.joined, step.follow, step.nested, step.when)
