"""Which identities of one environment belong to another: by what their own words say, by equality, by the account they live in."""

from __future__ import annotations

from opslint.base.masking import digest_of
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.environment_names import tier_tokens
from opslint.model.environments import tier_of
from opslint.model.identity_shapes import EXCLUSIVE
from opslint.model.resource_queries import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.model.identities import Identity
    from opslint.model.model import DeploymentModel

UPPER = ("production",)
LOWER = ("staging", "development", "test", "ephemeral")


_LINK_WORDS = frozenset(
    "docs schema openapi link links site website home homepage marketing support contact cookie domain status help terms privacy".split()
)
"""Words of a setting that holds an address to show or to read from, not one that is called."""


_BARE_KINDS = frozenset("database bucket queue topic table stream vhost namespace project name".split())
"""Kinds that a bare word may name."""


class Crossing(Record):
    """One place where environments of some tiers hold what is another tier's.

    `reason`: ``named`` (its words say the other tier), ``same`` (the other tier has it too; `other` is where), ``account`` (it lives in the
    account that only the other tier declares; `other` is where). `identities` are one an environment, in order of environments.
    """

    __slots__ = ("identities", "loc", "name", "other", "reason")
    identities: list[Identity]
    loc: Loc
    name: str
    other: Identity | None
    reason: str


def crossings(model: DeploymentModel, holders: tuple[str, ...], owners: tuple[str, ...]) -> list[Crossing]:
    """Return what environments of the tiers `holders` have that belongs to the tiers `owners`, each place once, in order."""
    found: dict[tuple[Loc, str], Crossing] = {}
    strangers = Strangers(model.identities, holders, owners)
    for identity in model.identities:
        if tier_of(identity.environment) not in holders:
            continue
        for reason, other in strangers.of(identity):
            crossing = found.get((identity.loc, identity.name))
            if crossing is None:
                found[(identity.loc, identity.name)] = Crossing(
                    identities=[identity], loc=identity.loc, name=identity.name, other=other, reason=reason
                )
            elif all(known.environment != identity.environment for known in crossing.identities):
                crossing.identities.append(identity)
            break
    return _causes(list(found.values()))


def _causes(found: list[Crossing]) -> list[Crossing]:
    """Leave out names that follow from an environment which is told that it is another: they are right again when it is."""
    told = [
        (identity.environment, identity.tiers, crossing.loc[0])
        for crossing in found
        for identity in crossing.identities
        if identity.kind == "tier"
    ]
    return [
        crossing
        for crossing in found
        if crossing.reason != "named"
        or crossing.identities[0].kind == "tier"
        or not any(
            environment == identity.environment and set(tiers) & set(identity.tiers) and path in identity.files
            for identity in crossing.identities
            for environment, tiers, path in told
        )
    ]


class Strangers:
    """What belongs to the tiers `owners`, for identities of the tiers `holders`."""

    def __init__(self, identities: list[Identity], holders: tuple[str, ...], owners: tuple[str, ...]) -> None:
        self._owners = owners
        self._theirs: dict[tuple[str, str, str], Identity] = {}
        # What the holders' own manifests declare is theirs, and what shared ones declare is everybody's.
        self._declared: set[tuple[str, str, str]] = set()
        self._accounts: dict[str, Identity] = {}
        own_accounts: set[str] = set()
        self._hosts: dict[str, Identity] = {}
        self._names = {(found.kind, found.digest) for found in identities if tier_of(found.environment) in owners}
        own_hosts: set[str] = set()
        for found in identities:
            tier = tier_of(found.environment)
            digest = _own_account(found)
            if found.kind == "ingress" and tier in owners:
                self._hosts.setdefault(found.digest, found)
            elif found.kind == "ingress":
                own_hosts.add(found.digest)
            if tier in owners:
                if found.key is not None and found.is_exclusive:
                    if found.owned or found.key not in self._theirs:
                        self._theirs[found.key] = found
                if digest:
                    self._accounts.setdefault(digest, found)
            elif found.owned and found.key is not None and tier in (*holders, "shared"):
                self._declared.add(found.key)
            if digest and tier in holders:
                own_accounts.add(digest)
        self._hosts = {digest: found for digest, found in self._hosts.items() if digest not in own_hosts}
        # An account that both declare as theirs tells nothing; where the holders' own is not known, nothing can be said.
        self._accounts = {
            digest: found for digest, found in self._accounts.items() if own_accounts and digest not in own_accounts
        }

    def of(self, identity: Identity) -> Iterator[tuple[str, Identity | None]]:
        """Yield (reason, where the owner has it) for an identity that belongs to the owners; nothing when it does not."""
        same = self._theirs.get(identity.key) if identity.key is not None and identity.is_exclusive else None
        if identity.owned or identity.key in self._declared or self._says_own(identity):
            same = None
        # Production is served first: what both refer to is its own; of any other tier only what that declares is.
        if identity.kind == "host" and identity.key is not None and _LINK_WORDS.isdisjoint(tokens(identity.name)):
            same = self._hosts.get(identity.digest)
        certain = same is not None and (same.owned or "production" in self._owners)
        if certain:
            yield "same", same
        if self._is_named(identity):
            yield "named", None
        account = self._accounts.get(digest_of(identity.account)) if identity.account else None
        if account is not None and identity.is_exclusive and not identity.owned:
            yield "account", account
        if same is not None and not certain:
            yield "same", same

    def _says_own(self, identity: Identity) -> bool:
        """Tell whether a thing is called after the environment that has it: then it is the other one that reaches across."""
        return tier_of(identity.environment) in identity.tiers and not any(tier in self._owners for tier in identity.tiers)

    def _is_named(self, identity: Identity) -> bool:
        """Tell whether the words of an identity name a tier of the owners and not its own."""
        tiers = [tier for tier in identity.tiers if tier in self._owners]
        if identity.owned or not tiers or tier_of(identity.environment) in identity.tiers:
            return False
        if identity.kind == "mode":
            # A process of staging that runs in production's mode is what staging is for.
            return "production" not in self._owners
        called = bool(set(tier_tokens(identity.name)).intersection(tiers))
        if "production" in self._owners:
            # A setting called after production is a link to it on purpose; a store called so is still production's.
            return identity.kind in EXCLUSIVE or not called
        # "Staging" is also a word for data on its way in: a bare name counts where the lower environment has it too.
        bare = (
            identity.kind in _BARE_KINDS and (identity.scope is None or identity.kind == "bucket") and "/" not in identity.shown
        )
        return not called and (not bare or (identity.kind, identity.digest) in self._names)


def _own_account(found: Identity) -> str:
    """Return the digest of the account that an environment says is its own: its provider's, or a setting that names an account."""
    if found.owned and found.account:
        return digest_of(found.account)
    return found.digest if found.kind == "account" else ""
