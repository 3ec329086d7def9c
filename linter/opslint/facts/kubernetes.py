"""Objects of Kubernetes manifests as facts."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.tree import Mapping
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.kubernetes_masking import masked_object

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.syntax.yaml import YamlDocument


class KubernetesObject(Fact):
    """One object of a manifest: its `api` version, `object_kind`, names ("" where not given) and encoded tree.

    Values of variables, ConfigMaps and Secrets in `tree` are masked, credentials are cut out of all other texts.
    """

    __slots__ = ("api", "name", "namespace", "object_kind", "tree")
    api: str
    name: str
    namespace: str
    object_kind: str
    tree: list[Any]


_CORE = "ConfigMap Namespace PersistentVolume PersistentVolumeClaim Pod ReplicationController Secret Service ServiceAccount LimitRange ResourceQuota"
_GROUPS = {
    "": _CORE,
    "apps": "DaemonSet Deployment ReplicaSet StatefulSet",
    "argoproj.io": "AnalysisTemplate Application ApplicationSet AppProject CronWorkflow Rollout",
    "autoscaling": "HorizontalPodAutoscaler",
    "batch": "CronJob Job",
    "bitnami.com": "SealedSecret",
    "external-secrets.io": "ClusterExternalSecret ClusterSecretStore ExternalSecret SecretStore",
    "gateway.networking.k8s.io": "GRPCRoute Gateway HTTPRoute TCPRoute TLSRoute",
    "helm.toolkit.fluxcd.io": "HelmRelease",
    "image.toolkit.fluxcd.io": "ImagePolicy ImageRepository ImageUpdateAutomation",
    "keda.sh": "ScaledJob ScaledObject TriggerAuthentication",
    "kustomize.config.k8s.io": "Component Kustomization",
    "kustomize.toolkit.fluxcd.io": "Kustomization",
    "monitoring.coreos.com": "AlertmanagerConfig PodMonitor Probe PrometheusRule ServiceMonitor",
    "networking.istio.io": "VirtualService",
    "networking.k8s.io": "Ingress NetworkPolicy",
    "extensions": "Deployment Ingress NetworkPolicy",
    "policy": "PodDisruptionBudget",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "secrets-store.csi.x-k8s.io": "SecretProviderClass",
    "serving.knative.dev": "Service",
    "source.toolkit.fluxcd.io": "Bucket GitRepository HelmRepository OCIRepository",
    "storage.k8s.io": "StorageClass",
    "traefik.containo.us": "IngressRoute",
    "traefik.io": "IngressRoute",
}
KINDS = frozenset((group, kind) for group, kinds in _GROUPS.items() for kind in kinds.split())
"""(API group, kind) of the objects that become facts; all others are of no use to any rule yet."""


def group_of(api: str) -> str:
    """The group of an API version: ``apps`` of ``apps/v1``, "" of ``v1``."""
    return api.rpartition("/")[0]


def is_known(obj: Mapping) -> bool:
    """Tell whether an object is of a kind that becomes a fact."""
    return (group_of(obj.text("apiVersion") or ""), obj.text("kind") or "") in KINDS


def _extract(document: YamlDocument, emit: Callable[[Fact], None]) -> None:
    for obj in document.objects():
        if is_known(obj):
            emit(_object(document, obj))


def _object(document: YamlDocument, obj: Mapping) -> KubernetesObject:
    return KubernetesObject(
        api=obj.text("apiVersion") or "",
        at=document.place(obj),
        name=obj.text("metadata", "name") or "",
        namespace=obj.text("metadata", "namespace") or "",
        object_kind=obj.text("kind") or "",
        tree=document.encode(masked_object(obj)),
    )


EXTRACTORS = (Extractor("kubernetes", (), _extract),)
