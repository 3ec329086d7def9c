"""Which names are environments, and where in a path a name counts.

A token counts only in a *naming position*: a directory segment under a parent that holds environments or beside a
sibling of another tier; the variable part of a known file pattern; the whole value of a namespace, workspace, stage or
``environment``. ``product``, ``reproduce`` and ``staging-area`` are no environments anywhere.
"""

from __future__ import annotations

from opslint.base.lazy import cache
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Collection

WORKSTATIONS = frozenset(("minikube", "k3d", "docker-desktop", "colima", "microk8s", "rancher-desktop"))
"""Clusters that run on a developer's machine (each project's own description). ``kind`` is an everyday word and does not count."""

STRONG = {
    **dict.fromkeys(("prod", "production", "prd"), "production"),
    **dict.fromkeys(("staging", "stage", "stg", "uat", "preprod"), "staging"),
    **dict.fromkeys(("dev", "development", "sandbox", *WORKSTATIONS), "development"),
    **dict.fromkeys(("preview", "ephemeral"), "ephemeral"),
    **dict.fromkeys(("e2e",), "test"),
    **dict.fromkeys(("shared",), "shared"),
}
"""Tokens that name a tier in every naming position."""

WEAK = {
    "live": "production",
    **dict.fromkeys(("qa", "pre"), "staging"),
    **dict.fromkeys(("local", "demo"), "development"),
    **dict.fromkeys(("test", "testing", "ci", "int"), "test"),
    **dict.fromkeys(("pr", "review"), "ephemeral"),
    **dict.fromkeys(("common", "global", "base", "network", "mgmt", "tools"), "shared"),
}
"""Tokens that are everyday words: as directories they count only beside a sibling that names another tier."""

ENVIRONMENT_NAMES = ("environment", "env", "stage", "tier", "environment_name", "env_name", "deploy_env")
"""Variables and locals whose whole value may name the environment."""

PARENTS = frozenset(
    "env envs environment environments overlays overlay stages stacks live clusters accounts deploy deployments inventories"
    " group_vars values infra terraform helm k8s kubernetes config".split()
)
"""Directories whose children may be environments."""

SPELLINGS = {"pre-prod": "preprod", "pre-production": "preprod", "non-prod": "staging", "nonprod": "staging"}

_TOKENS = (*STRONG, *WEAK, *SPELLINGS)


@cache
def _region() -> re.Pattern[str]:
    import re

    # Cloud regions as AWS, Google Cloud and Azure write them, and the short forms teams use for directories.
    return re.compile(
        r"(?:(?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-gov)?(?:-(?:north|south|east|west|central|northeast|southeast|northwest|southwest))?(?:-?\d[a-z]?)?"
        r"|(?:europe|asia|northamerica|southamerica|australia|africa)-[a-z]+\d"
        r"|(?:east|west|north|south|central)(?:us|europe|asia|uk)\d?|apac|emea|uk|de|fr|jp|in|au|\d{1,3})\Z"
    )


def is_region(text: str) -> bool:
    """Tell whether a name is a region, a short geography or a number: an instance of a tier."""
    return _region().match(text) is not None


def tier_of_token(token: str, *, weak: bool) -> str | None:
    """Return the tier a whole token names; everyday words only when `weak`."""
    token = SPELLINGS.get(token, token)
    return STRONG.get(token) or (WEAK.get(token) if weak else None)


@cache
def split_name(name: str, *, weak: bool) -> tuple[str, str | None] | None:
    """Take a directory or file token apart: (tier, instance or None).

    ``prod-eu-west-1``, ``prod2``, ``us-staging`` have an instance; a name with any other rest is no environment.
    """
    name = name.lower().replace("_", "-").strip(".-")
    tier = tier_of_token(name, weak=weak)
    if tier is not None:
        return tier, None
    stem = name.rstrip("0123456789")
    if stem and stem != name and tier_of_token(stem, weak=weak):
        return tier_of_token(stem, weak=weak) or "", name[len(stem) :]
    if "-" not in name:
        return None
    at = name.find("-")
    while at >= 0:
        for token, rest in ((name[:at], name[at + 1 :]), (name[at + 1 :], name[:at])):
            tier = tier_of_token(token, weak=weak)
            if tier is not None and is_region(rest):
                return tier, rest
        at = name.find("-", at + 1)
    return None


@cache
def _file_patterns() -> tuple[re.Pattern[str], ...]:
    import re

    name = r"(?P<t>[a-z0-9_-]+)"
    return tuple(
        re.compile(pattern + r"\Z")
        for pattern in (
            rf"(?:[a-z0-9-]+[.-])?values[-._]{name}\.ya?ml(?:\.gotmpl)?",
            rf"{name}[-._]values\.ya?ml(?:\.gotmpl)?",
            rf"(?:terraform[-._])?{name}(?:\.auto)?\.tfvars(?:\.json)?",
            rf"(?:backend|config)[-._]{name}\.(?:hcl|tfbackend|conf|tfvars)",
            rf"{name}\.(?:s3\.|gcs\.|azurerm\.)?(?:tfbackend|backend\.hcl)",
            rf"\.env[-._]{name}(?:\.local)?",
            rf"\.?{name}\.env",
            rf"env[-._]{name}",
            rf"(?:docker-)?compose[-._]{name}\.ya?ml",
            rf"settings[-_]{name}\.py",
            rf"samconfig[-._]{name}\.toml",
        )
    )


def of_file_name(name: str, parent: str) -> tuple[str, str | None] | None:
    """Return (tier, instance) of a file by the variable part of a known pattern; `parent` is its directory's name."""
    lowered = name.lower()
    if lowered.endswith(".py") and not lowered.startswith("settings") and parent.lower() not in ("settings", "values"):
        return None
    if not any(token in lowered for token in _TOKENS):
        # Most names: neither the patterns nor `re` itself (6 ms to import) are needed.
        return None
    for pattern in _file_patterns():
        match = pattern.match(lowered)
        if match:
            found = split_name(match["t"], weak=True)
            # `settings_base.py`, `docker-compose.shared.yml` are no place of their own: they belong to all that build on them.
            if found and found[0] != "shared":
                return found
    stem, dot, suffix = lowered.partition(".")
    if dot and parent.lower() in ("settings", "values") and suffix in ("py", "yaml", "yml"):
        found = split_name(stem, weak=True)
        return None if found and found[0] == "shared" else found
    if dot and parent.lower() in PARENTS and suffix in ("yaml", "yml", "tfvars", "hcl", "env", "json"):
        return split_name(stem, weak=False)
    return None


def of_segment(segment: str, parent: str, siblings: Collection[str]) -> tuple[str, str | None] | None:
    """Return (tier, instance) a directory segment names, given its parent's name and all names beside it."""
    strong = split_name(segment, weak=False)
    found = strong or split_name(segment, weak=True)
    if found is None:
        return None
    if strong and parent.lower() in PARENTS:
        return strong
    for sibling in siblings:
        other = split_name(sibling, weak=False) if sibling != segment else None
        if other is not None and other[0] != found[0]:
            return found
    return None


def of_value(text: str) -> tuple[str, str | None] | None:
    """Return (tier, instance) when the whole value of a namespace, workspace, stage or ``environment`` names one."""
    return split_name(text.strip(), weak=True)


def tier_tokens(text: str) -> list[str]:
    """Return the tiers named by whole tokens inside an identity-bearing value (``prod-db.internal``), strong tokens only."""
    tiers: list[str] = []
    token = ""
    for char in text.lower() + ".":
        if char.isalnum():
            token += char
            continue
        tier = STRONG.get(token) or STRONG.get(token.rstrip("0123456789"))
        if tier and tier not in tiers:
            tiers.append(tier)
        token = ""
    return tiers
