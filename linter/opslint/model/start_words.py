"""The words of a start command: options and what follows them, defaults filled in, what a command's name says of its role."""

from __future__ import annotations


def shifted(words: list[str], arguments: list[str]) -> list[str]:
    """The arguments of a script after ``shift`` or ``set -- …``."""
    if words[0] == "shift":
        return arguments[int(words[1]) if words[1:] and words[1].isdigit() else 1 :]
    if words[1:2] != ["--"]:
        return arguments
    return [part for word in words[2:] for part in (arguments if word in ("$@", "$*", "${@}") else [word])]


def after_env(rest: list[str]) -> list[str]:
    """Return the command behind ``env`` with its options and assignments."""
    at = 0
    while at < len(rest) and (rest[at].startswith("-") or "=" in rest[at]):
        at += 2 if rest[at] in ("-u", "--unset", "-C", "--chdir") else 1
    return rest[at:]


def after_verb(rest: list[str]) -> list[str]:
    """Return the command behind the verb ``run`` of a secret runner, [] when there is none."""
    return rest[rest.index("run") + 1 :] if "run" in rest else []


def after_options(rest: list[str], with_value: frozenset[str]) -> list[str]:
    """Return what follows the leading options, of which `with_value` take the next word."""
    at = 0
    while at < len(rest) and rest[at].startswith("-") and rest[at] != "--":
        at += 2 if rest[at] in with_value else 1
    return rest[at + 1 :] if at < len(rest) and rest[at] == "--" else rest[at:]


def split_options(rest: list[str], with_value: frozenset[str]) -> tuple[dict[str, str], list[str]]:
    """Return the options with their values ("" where they take none) and the other words."""
    options: dict[str, str] = {}
    positional: list[str] = []
    at = 0
    while at < len(rest):
        word = rest[at]
        name, equals, value = word.partition("=")
        if not word.startswith("-") or word == "-":
            positional.append(word)
        elif equals:
            options[name] = value
        elif word in with_value and at + 1 < len(rest):
            options[word] = rest[at + 1]
            at += 1
        elif word[:2] in with_value and len(word) > 2 and not word.startswith("--"):
            options[word[:2]] = word[2:]
        else:
            options.setdefault(word, "")
        at += 1
    return options, positional


def defaulted(word: str) -> str:
    """Replace ``${X:-default}`` by its default; what has none stays as written."""
    from opslint.facts.env_values import split

    if "$" not in word:
        return word
    out: list[str] = []
    for part in split(word):
        if isinstance(part, str):
            out.append(part)
        else:
            name, operator, default = part
            out.append(default if operator in (":-", "-") else f"${{{name}}}")
    return "".join(out)


def manage_role(rest: list[str]) -> str:
    """Return the role of a Django management command."""
    verb = next((word for word in rest if not word.startswith("-")), "")
    if verb in ("runserver", "runserver_plus", "daphne"):
        return "web"
    if verb in ("migrate", "migrate_schemas"):
        return "migrate"
    if verb in ("rqworker", "qcluster", "celery", "process_tasks", "run_huey", "procrastinate", "db_worker", "rundramatiq"):
        return "worker"
    return "command"


def role_of_name(name: str) -> str:
    """What a module started by its name is: only a word of its own in the name tells."""
    words = name.lower().replace(".", "_").replace("-", "_").replace("/", "_").split("_")
    if "worker" in words or "workers" in words or "consumer" in words:
        return "worker"
    return "migrate" if "migrate" in words else "command"
