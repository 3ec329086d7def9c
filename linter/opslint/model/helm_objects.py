"""The objects that Helm hands to templates besides the values: Chart, Release, Capabilities, Files, Template."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.model.gotemplate_print import to_yaml
from opslint.model.gotemplate_values import Opaque, RenderError, Scope, Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

KUBE_VERSION = "v1.32.0"
"""The cluster's version that charts are rendered for: what ``helm template`` of Helm 3.17 assumes."""

_GROUPS = {
    "v1": "ConfigMap Endpoints Event Namespace Node PersistentVolume PersistentVolumeClaim Pod Secret Service ServiceAccount",
    "admissionregistration.k8s.io/v1": "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "apiregistration.k8s.io/v1": "APIService",
    "apps/v1": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "authentication.k8s.io/v1": "TokenReview",
    "authorization.k8s.io/v1": "SubjectAccessReview",
    "autoscaling/v1": "HorizontalPodAutoscaler",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "batch/v1": "CronJob Job",
    "certificates.k8s.io/v1": "CertificateSigningRequest",
    "coordination.k8s.io/v1": "Lease",
    "discovery.k8s.io/v1": "EndpointSlice",
    "events.k8s.io/v1": "Event",
    "networking.k8s.io/v1": "Ingress IngressClass NetworkPolicy",
    "node.k8s.io/v1": "RuntimeClass",
    "policy/v1": "PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "scheduling.k8s.io/v1": "PriorityClass",
    "storage.k8s.io/v1": "CSIDriver StorageClass VolumeAttachment",
}
_OWN_GROUPS = frozenset(group.partition("/")[0] for group in _GROUPS) | {"extensions"}


def chart_scope(chart: dict[str, Any]) -> Scope:
    """``.Chart`` from the keys of Chart.yaml (capitalised, as Helm's struct has them)."""
    names = (
        "name version appVersion description type kubeVersion home icon condition tags deprecated apiVersion keywords sources maintainers"
        " annotations dependencies"
    ).split()
    fields: dict[str, Any] = {}
    for name in names:
        default: Any = (
            [] if name in ("keywords", "sources", "maintainers", "dependencies") else {} if name == "annotations" else ""
        )
        fields[name[0].upper() + name[1:]] = chart.get(name, default) if chart.get(name) is not None else default
    fields["APIVersion"] = fields.pop("ApiVersion")
    return Scope({**fields, "IsRoot": True})


def release(name: str | None, namespace: str | None, guess: str = "release-name") -> dict[str, Any]:
    """``.Release``: a name or namespace that is not known prints as a likely one and stays marked as unknown."""
    known_name: Any = Text(name) if name else Opaque("the release's name", guess)
    known_namespace: Any = Text(namespace) if namespace else Opaque("the release's namespace", "default")
    return {
        "Name": known_name,
        "Namespace": known_namespace,
        "Service": "Helm",
        "Revision": 1,
        "IsInstall": True,
        "IsUpgrade": False,
    }


def capabilities() -> Scope:
    """``.Capabilities``: what Kubernetes itself serves is known, what a cluster has besides is not."""
    major, minor = KUBE_VERSION[1:].split(".")[:2]
    version = {"Version": KUBE_VERSION, "GitVersion": KUBE_VERSION, "Major": major, "Minor": minor}
    known = set(_GROUPS) | {f"{group}/{kind}" for group, kinds in _GROUPS.items() for kind in kinds.split()}

    def has(name: Any) -> Any:
        asked = str(name)
        if asked in known:
            return True
        return False if asked.partition("/")[0] in _OWN_GROUPS else Opaque(f"whether the cluster serves {asked[:80]}")

    helm = {"Version": "v3.17.2", "GitCommit": "", "GitTreeState": "clean", "GoVersion": "go1.23.7"}
    return Scope({"KubeVersion": version, "APIVersions": Scope({}, {"Has": has}), "HelmVersion": helm})


def files(names: list[str], read: Callable[[str], bytes | None]) -> Scope:
    """``.Files`` of a chart: `names` are the paths inside the chart that templates may read."""
    cache: dict[str, str] = {}

    def get(name: Any) -> str:
        key = str(name)
        if key not in cache:
            data = read(key) if key in known else None
            cache[key] = data.decode("utf-8", "replace") if data is not None else ""
        return cache[key]

    def lines(name: Any) -> list[str]:
        return get(name).splitlines()

    def glob(pattern: Any) -> Scope:
        return files([name for name in names if _matches(str(pattern), name)], read)

    def as_config() -> Text:
        return to_yaml({name.rpartition("/")[2]: get(name) for name in names}) if names else Text("")

    def as_secrets() -> Text:
        import base64

        if not names:
            return Text("")
        return to_yaml({name.rpartition("/")[2]: base64.b64encode(read(name) or b"").decode() for name in names})

    known = set(names)
    return FileScope(
        {},
        {"Get": get, "GetBytes": get, "Lines": lines, "Glob": glob, "AsConfig": as_config, "AsSecrets": as_secrets},
        names,
        get,
    )


class FileScope(Scope):
    """``.Files`` and what ``.Files.Glob`` gives: also a map of names to contents that ``range`` can go over."""

    __slots__ = ("contents", "names")

    def __init__(
        self, fields: dict[str, Any], methods: dict[str, Callable[..., Any]], names: list[str], contents: Callable[[Any], str]
    ) -> None:
        super().__init__(fields, methods)
        self.names = names
        self.contents = contents

    def pairs(self) -> list[tuple[str, str]]:
        """Names and contents in order."""
        return [(name, self.contents(name)) for name in sorted(self.names)]


def _matches(pattern: str, name: str) -> bool:
    """Helm's globs: ``*`` and ``?`` stay inside a segment, ``**`` crosses, ``{a,b}`` are alternatives."""
    if len(pattern) > 200 or pattern.count("{") > 3 or pattern.count(",") > 30:
        raise RenderError("a glob pattern that is too large")
    head, brace, rest = pattern.partition("{")
    if brace and "}" in rest:
        options, _, tail = rest.partition("}")
        return any(_matches(head + option + tail, name) for option in options.split(","))
    return _match_segments(pattern.split("/"), name.split("/"))


def _match_segments(wanted: list[str], given: list[str]) -> bool:
    from fnmatch import fnmatchcase

    # Reachable positions of `given` after each pattern segment: linear in both, whatever the number of `**`.
    places = {0}
    for segment in wanted:
        if segment == "**":
            places = {later for place in places for later in range(place, len(given) + 1)}
        else:
            places = {place + 1 for place in places if place < len(given) and fnmatchcase(given[place], segment)}
    return len(given) in places
