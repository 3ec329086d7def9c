"""Shell words → what a pipeline does with them: the kind of action, its tool, target and environment hints."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.command_table import (
    CHECK_ONLY,
    COMMANDS,
    DASHED,
    DRY_RUN_FLAGS,
    EXIT_ZERO,
    LONGEST_KEY,
    NPM_SCRIPTS,
    PASS_THROUGH,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Understood(Record):
    """What one command does.

    `kind` as in `command_table`, or ``script`` (runs a file of the repository, `target` its path), ``make`` (`target` the Makefile's
    directory, `detail` the targets), ``npm`` (`detail` the script's name). `tool` is the matched command (``terraform apply``).
    `words` are unwrapped. `target` is the directory or file it works on, "" for the working directory. `hints` are texts that name an
    environment. `flags`: ``saved-plan auto-approve no-lock targeted no-refresh exit-zero fix-mode remote container dry-run`` (``container``: inside an image).
    """

    __slots__ = ("detail", "flags", "hints", "kind", "target", "tool", "words")
    detail: str
    flags: list[str]
    hints: list[str]
    kind: str
    target: str
    tool: str
    words: list[str]


_VALUE_FLAGS = frozenset(
    "-u -g -n -k -s --user --signal --kill-after --env-file --with --extra --group --python --index-url --project -p --directory"
    " --package -C --from --only-group --profile --config --scope --pool -e --with-requirements -f".split()
)
"""Flags of wrappers that take a value of their own."""


_ENGINES = ("docker", "docker-compose", "podman", "nerdctl")

_RUN_VALUE_FLAGS = frozenset(
    "-e --env -u --user -w --workdir -v --volume -p --publish --name --network --entrypoint --env-file --mount --platform -l --label"
    " --add-host --index --memory -m --cpus --net".split()
)
"""Flags of ``docker run`` and ``docker exec`` that take a value of their own."""


def base_name(word: str) -> str:
    """The program's name without its directory."""
    return word.rpartition("/")[2] if not word.startswith("./") or word.count("/") > 1 else word[2:]


def unwrap(words: list[str]) -> tuple[list[str], bool]:
    """Take wrappers off (``sudo``, ``poetry run``, ``docker compose exec web``, ``kubectl exec … --``); True: runs in a cluster or on a platform."""
    inside = False
    for _ in range(8):
        if not words:
            break
        first = base_name(words[0])
        if "=" in words[0] and words[0].partition("=")[0].replace("_", "a").isalnum() and not words[0].startswith("-"):
            words = words[1:]
            continue
        if first in DASHED and "--" in words:
            inside = inside or first in ("kubectl", "oc")
            words = words[words.index("--") + 1 :]
            continue
        if first in _ENGINES:
            inner = _container_command(words)
            if inner is None:
                break
            words = inner
            continue
        if first in ("python", "python3", "python2") or first.startswith("python3."):
            rest = _python(words)
            if rest is None:
                break
            words = rest
            continue
        if first == "timeout":
            rest = _skip_flags(words[1:])
            words = rest[1:]
            continue
        if first == "heroku" and len(words) > 2 and words[1] in ("run", "run:detached"):
            words, inside = _skip_flags(words[2:]), True
            continue
        if first in PASS_THROUGH:
            words = _pass_through(first, words)
            continue
        if first in ("yarn", "pnpm", "npm") and len(words) > 2 and words[1] in ("exec", "dlx"):
            words = [word for word in words[2:] if word != "--"]
            continue
        break
    return words, inside


def _skip_flags(words: list[str]) -> list[str]:
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _VALUE_FLAGS and at + 1 < len(words) else 1
    return words[at:]


def _pass_through(first: str, words: list[str]) -> list[str]:
    rest = _skip_flags(words[1:])
    if first in ("poetry", "uv", "pipenv", "pdm", "hatch", "rye", "bundle", "coverage", "dotenv"):
        expected = ("run", "exec", "r")
        if rest[:1] and rest[0] in expected:
            return [word for word in _skip_flags(rest[1:]) if word != "--"]
        return [] if first != "dotenv" else rest
    return rest


def _python(words: list[str]) -> list[str] | None:
    """``python -m pytest`` is ``pytest``, ``python manage.py migrate`` is ``manage.py migrate``; other files are scripts."""
    at = 1
    while at < len(words) and words[at].startswith("-") and words[at] != "-m":
        if words[at] in ("-c", "-"):
            return None
        at += 2 if words[at] in ("-W", "-X") else 1
    if at >= len(words):
        return None
    if words[at] == "-m":
        return words[at + 1 :]
    return [base_name(words[at]), *words[at + 1 :]] if base_name(words[at]) == "manage.py" else None


def _container_command(words: list[str]) -> list[str] | None:
    """Return the command that ``docker exec``, ``docker compose exec`` or ``run`` starts inside a container."""
    rest = words[1:]
    compose = base_name(words[0]) == "docker-compose"
    if rest[:1] == ["compose"]:
        compose, rest = True, rest[1:]
    at = 0
    while at < len(rest) and rest[at].startswith("-"):
        at += 2 if rest[at] in ("-f", "--file", "-p", "--project-name", "--env-file", "--profile", "-H", "--context") else 1
    rest = rest[at:]
    if not rest or rest[0] not in ("exec", "run"):
        return None
    at = 1
    while at < len(rest) and rest[at].startswith("-"):
        at += 2 if rest[at] in _RUN_VALUE_FLAGS else 1
    command = rest[at + 1 :]
    return command if command and (compose or rest[0] in ("exec", "run")) else None


def _without_globals(words: list[str]) -> tuple[list[str], str]:
    """Drop flags before the sub-command; return the words and the directory that ``-chdir`` or ``-C`` names."""
    chdir = ""
    out = [base_name(words[0])]
    at = 1
    while at < len(words):
        word = words[at]
        if word.startswith(("-chdir=", "--chdir=", "--terragrunt-working-dir=", "--working-dir=")):
            chdir = word.partition("=")[2]
        elif word in ("-C", "--terragrunt-working-dir", "--working-dir", "-chdir") and at + 1 < len(words):
            at += 1
            chdir = words[at]
        elif word.startswith("-") and len(out) < 2:
            if (
                at + 2 < len(words)
                and word in ("-n", "--namespace", "--context", "--kubeconfig", "--kube-context", "-f", "--file", "-p", "--region")
            ) or (
                at + 2 < len(words)
                and word in ("--profile", "--project-name", "--environment", "-e", "--stack", "--cluster", "--project")
            ):
                at += 1
        else:
            out.append(word)
        at += 1
    return out, chdir


def understand(words: list[str]) -> Understood | None:
    """Tell what a command does; None when it is nothing a rule asks about."""
    contained = base_name(words[0]) in _ENGINES if words else False
    words, inside = unwrap(words)
    if not words or not words[0]:
        return None
    contained = contained and base_name(words[0]) not in _ENGINES
    name = base_name(words[0])
    runner = _runner(name, words)
    if runner is not None:
        return runner
    words = [name, *words[1:]]
    if name == "docker-compose":
        words = ["docker", "compose", *words[1:]]
    if name == "docker":
        while len(words) > 3 and words[1] in ("-H", "--host", "-c", "--context"):
            words = [name, *words[3:]]
    if words[:2] == ["docker", "compose"]:
        rest = _without_globals(["compose", *words[2:]])[0]
        plain, chdir = ["docker", *rest], ""
    else:
        plain, chdir = _without_globals(words)
    if name == "terragrunt" and plain[1:2] in (["run-all"], ["run"]):
        plain = [name, *[word for word in plain[2:] if word not in ("--", "--all")]]
    key, kind = _match(plain)
    if kind is None:
        key, kind = _special(words, plain)
    if kind is None:
        return None
    flags = _flags(key, kind, words)
    if inside:
        flags.append("remote")
    if contained:
        flags.append("container")
    if key == "ansible-playbook" and not _has_inventory(words):
        return None
    if "dry-run" in flags and kind in ("deploy", "apply", "migrate"):
        kind = "validate"
    if key == "helm upgrade" and "--dry-run" in words:
        kind = "validate"
    if "fix-mode" in flags:
        return None
    hints = list(_hints(key, words))
    return Understood(detail="", flags=flags, hints=hints, kind=kind, target=chdir, tool=key, words=words)


def _match(plain: list[str]) -> tuple[str, str | None]:
    named = [word for word in plain if not word.startswith("-")]
    for size in range(min(LONGEST_KEY, len(named)), 0, -1):
        key = " ".join(named[:size])
        if key in COMMANDS:
            return key, COMMANDS[key]
    return "", None


def _special(words: list[str], plain: list[str]) -> tuple[str, str | None]:
    """Commands whose meaning hangs on a flag or an argument."""
    name = plain[0]
    if name == "manage.py" and plain[1:2] == ["makemigrations"]:
        return ("manage.py makemigrations", "validate" if {"--check", "--dry-run"} & set(words) else None)
    if name == "docker" and plain[1:3] == ["compose", "up"]:
        return "docker compose up", "deploy"
    if plain[:2] == ["kubectl", "patch"] and any('"image"' in word for word in words):
        return "kubectl patch", "deploy"
    if name == "rsync" and any(":" in word and not word.startswith(("-", "http")) and "/" in word for word in words[1:]):
        return "rsync", "deploy"
    if name == "vercel" and "--prod" in words:
        return "vercel", "deploy"
    if name == "git" and plain[1:2] == ["push"] and any(word in ("heroku", "dokku") for word in plain):
        return "git push", "deploy"
    if (name == "migrate" and plain[-1:] == ["up"]) or (name == "migrate" and "up" in plain):
        return "migrate up", "migrate"
    if name in ("curl", "wget", "http", "httpie", "xh") and _is_health_url(words):
        return name, "verify"
    if name in ("systemctl", "supervisorctl", "service") and "restart" in plain:
        return f"{name} restart", "deploy"
    return "", None


def _has_inventory(words: list[str]) -> bool:
    """A playbook changes other hosts only with an inventory that names some."""
    for flag, value in zip(words, [*words[1:], ""], strict=True):
        name, equals, inline = flag.partition("=")
        if name in ("-i", "--inventory"):
            return "localhost" not in (inline if equals else value)
    return False


_HEALTH_WORDS = ("health", "ready", "live", "ping", "status", "smoke", "version")


def _is_health_url(words: list[str]) -> bool:
    for word in words[1:]:
        host, _, path = word.partition("://")[2].partition("/")
        if host and any(part.startswith(_HEALTH_WORDS) for part in path.lower().replace("-", "/").replace("_", "/").split("/")):
            return True
    return False


def _runner(name: str, words: list[str]) -> Understood | None:
    """Commands that only start something else: scripts, make, package scripts."""
    if words[0] in ("bash", "sh", "zsh", "source", ".", "dash", "python", "python3"):
        rest = _skip_flags(words[1:]) if words[0] not in ("source", ".") else words[1:]
        if "-c" in words or not rest or ("/" not in rest[0] and "." not in rest[0]):
            return None
        return _started("script", rest[0], " ".join(rest[1:]), rest)
    if name in ("make", "gmake", "just", "task"):
        directory = next((words[at + 1] for at, word in enumerate(words[:-1]) if word == "-C"), "")
        skipped = {"-C": 1, "-f": 1, "-j": 0, "--directory": 1}
        targets: list[str] = []
        skip = 0
        for word in words[1:]:
            if skip:
                skip -= 1
            elif word.startswith("-"):
                skip = skipped.get(word, 0)
            elif "=" not in word:
                targets.append(word)
        return _started("make", directory, " ".join(targets), words)
    if name in ("npm", "yarn", "pnpm", "bun"):
        return _package_script(name, words)
    looks_like_file = words[0].startswith(("./", "../")) or ("/" in words[0] and words[0].endswith((".sh", ".bash", ".py")))
    if looks_like_file and not words[0].startswith("/") and base_name(words[0]) not in COMMANDS and name != "manage.py":
        return _started("script", words[0], " ".join(words[1:]), words)
    return None


def _started(kind: str, target: str, detail: str, words: list[str]) -> Understood:
    return Understood(detail=detail, flags=[], hints=[], kind=kind, target=target, tool=kind, words=words)


def _package_script(name: str, words: list[str]) -> Understood | None:
    rest = [word for word in _skip_flags(words[1:]) if word != "--"]
    if rest[:1] == ["audit"] or rest[:2] == ["npm", "audit"]:
        return Understood(detail="", flags=[], hints=[], kind="scan", target="", tool=f"{name} audit", words=words)
    if rest[:1] == ["run"]:
        rest = _skip_flags(rest[1:])
    elif name in ("npm", "bun") and rest[:1] not in (["test"], ["t"]):
        return None
    if not rest:
        return None
    script = "test" if rest[0] == "t" else rest[0]
    if script in (
        "install",
        "add",
        "ci",
        "publish",
        "dlx",
        "exec",
        "config",
        "cache",
        "set",
        "version",
        "workspace",
        "workspaces",
    ):
        return None
    return _started("npm", "", script, words)


def npm_kind(script: str) -> str | None:
    """The kind a package script's name says (``test:e2e`` → ``test``), None for another name."""
    head = script.partition(":")[0]
    if head == "format" and "check" not in script:
        return None
    return NPM_SCRIPTS.get(script) or NPM_SCRIPTS.get(head)


def _flags(key: str, kind: str, words: list[str]) -> list[str]:
    found: list[str] = []
    joined = set(words)
    for flag, value in zip(words, [*words[1:], ""], strict=True):
        if flag == "--exit-code":
            joined.add(f"--exit-code={value}")
    if key in CHECK_ONLY and not joined & set(CHECK_ONLY[key]):
        found.append("fix-mode")
    if key in EXIT_ZERO and joined & set(EXIT_ZERO[key]):
        found.append("exit-zero")
    if joined & set(DRY_RUN_FLAGS) and kind in ("deploy", "apply", "migrate", "destroy"):
        found.append("dry-run")
    program = key.partition(" ")[0]
    if program in ("terraform", "tofu", "terragrunt"):
        found.extend(_terraform_flags(kind, words))
    if kind == "plan" and any(word.startswith(("-out", "--out")) for word in words):
        found.append("saved-plan")
    if key in ("docker build", "docker buildx build") and "--push" in joined:
        found.append("push")
    return found


def _terraform_flags(kind: str, words: list[str]) -> Iterator[str]:
    if kind not in ("apply", "destroy", "plan"):
        return
    if any(word in ("-auto-approve", "--auto-approve", "-auto-approve=true", "--terragrunt-non-interactive") for word in words):
        yield "auto-approve"
    if "-lock=false" in words or "--lock=false" in words:
        yield "no-lock"
    if any(word.startswith(("-target", "--target")) for word in words):
        yield "targeted"
    if "-refresh=false" in words:
        yield "no-refresh"
    if "-destroy" in words or "--destroy" in words:
        yield "destroys"
    if kind == "apply" and saved_plan(words):
        yield "saved-plan"


def saved_plan(words: list[str]) -> str:
    """The plan file that ``terraform apply`` is given, "" when it plans anew."""
    start = words.index("apply") + 1 if "apply" in words else 1
    skip = False
    for word in words[start:]:
        if skip:
            skip = False
        elif word in ("-var", "-var-file", "-target", "--var", "--var-file", "-parallelism", "-backup", "-state"):
            skip = True
        elif not word.startswith("-"):
            return word
    return ""


_HINT_FLAGS = frozenset(
    "-n --namespace -e --env --environment --stage -s --stack -var-file --var-file -k --kustomize -f --values --cluster --context"
    " --kube-context -c --config --config-env --workspace -t --target --stack-name --app -a --service --function-name -i --inventory --profile -l".split()
)


def _hints(key: str, words: list[str]) -> Iterator[str]:
    """Yield texts that may name the environment: values of targeting flags, ``workspace select X``."""
    for flag, value in zip(words, [*words[1:], ""], strict=True):
        name, equals, inline = flag.partition("=")
        if flag in _HINT_FLAGS and value and not value.startswith("-"):
            yield value.rpartition("=")[2] if flag in ("-var",) else value
        elif equals and name in _HINT_FLAGS:
            yield inline
    if "workspace" in words and "select" in words and words[-1] != "select":
        yield words[-1]
