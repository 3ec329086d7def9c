"""What never leaves the runner of a job: messages, copies on its own disk, package installation, set-up actions."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_HERE = frozenset(
    "echo printf sleep true false : date pwd ls cat env cd [ [[ test local read return exit export mkdir touch grep sed awk jq yq cut"
    " tr head tail wc rm cp mv ln chmod chown basename dirname shift set unset declare break continue pip pip3 apt-get apt tar zip"
    " unzip gzip find sort uniq tee diff sha256sum md5sum mktemp realpath which type command tree du df uname whoami source .".split()
)
_MANAGERS = frozenset("poetry uv npm yarn pnpm pipenv pdm bundle cargo go composer dotnet".split())
_MANAGED = frozenset(
    "install ci add build config version --version sync lock export self cache update upgrade env info show list restore mod".split()
)
_MODULES = frozenset(("pip", "venv", "build", "compileall", "ensurepip"))
_SETUP = ("setup", "checkout", "cache", "artifact", "login", "credentials", "metadata-action", "install")


def stays_here(commands: Sequence[Any], uses: str = "") -> bool:
    """Tell whether a step is known to change nothing but the runner's own disk; what is not known may reach anything.

    A tag that is pushed marks a commit and deploys nothing; a pushed commit may be what a GitOps controller waits for.

    `commands` are those of its script (`opslint.facts.scripts`), `uses` the action it runs.
    """
    if uses and not _is_setup(uses):
        return False
    tags = any(words[:2] == ["git", "tag"] for _at, words, _info in commands)
    commits = any(words[0] == "git" and "commit" in words for _at, words, _info in commands)
    return all(_is_local(words, info) or (words[:2] == ["git", "push"] and tags and not commits) for _at, words, info in commands)


def _is_local(words: list[str], info: dict[str, Any]) -> bool:
    program = words[0].rpartition("/")[2] if words[0].startswith(("/usr/", "/bin/")) else words[0]
    if (
        info.get("remote")
        or info.get("engine")
        or any("@" in word and ":" in word for word in words[1:] if program in ("cp", "mv"))
    ):
        return False
    if program in ("source", ".", "env", "command"):
        return len(words) == 1 or program in ("source", ".")
    if program in _HERE:
        return True
    if program in ("python", "python3"):
        return words[1:2] == ["--version"] or (words[1:2] == ["-m"] and words[2:3] != [] and words[2] in _MODULES)
    if program in _MANAGERS:
        return len(words) == 1 or words[1] in _MANAGED
    return program == "git" and "push" not in words


def _is_setup(uses: str) -> bool:
    """Actions that fetch, install or sign in; what they bring acts in later steps only."""
    name = uses.partition("@")[0].lower()
    owner, _, rest = name.partition("/")
    if name.startswith(("./", "docker://")):
        return False
    if owner == "actions":
        return not rest.startswith(("deploy-pages", "github-script", "create-release"))
    return any(word in rest for word in _SETUP) or name == "google-github-actions/auth"
