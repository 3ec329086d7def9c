"""Variables that a platform, a runtime or a base image sets by itself: data, each group with its source."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ANYWHERE = frozenset(
    "PATH HOME HOSTNAME PWD OLDPWD SHLVL TERM USER LOGNAME SHELL LANG LC_ALL LC_CTYPE TZ TMPDIR TEMP TMP _ CI".split()
)
"""Set by the kernel, the shell or the container runtime, or read by programs that fall back when it is not set."""

BASE_IMAGES = frozenset(
    "PYTHON_VERSION PYTHON_PIP_VERSION PYTHON_SHA256 GPG_KEY PYTHON_SETUPTOOLS_VERSION NODE_VERSION YARN_VERSION GOLANG_VERSION"
    " GOPATH GOTOOLCHAIN JAVA_HOME JAVA_VERSION VIRTUAL_ENV CONDA_PREFIX CUDA_VERSION NVIDIA_VISIBLE_DEVICES".split()
)
"""ENV of the official images (github.com/docker-library, the Dockerfile of each)."""

PLATFORMS: dict[str, tuple[str, ...]] = {
    # kubernetes.io/docs/concepts/services-networking/service/#environment-variables
    "kubernetes": ("KUBERNETES_*", "*_SERVICE_HOST", "*_SERVICE_PORT", "*_SERVICE_PORT_*", "*_PORT_*_TCP", "*_PORT_*_TCP_*"),
    # docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    "lambda": ("AWS_*", "_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "LD_LIBRARY_PATH"),
    # docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint.html, task-iam-roles.html
    "ecs": ("ECS_CONTAINER_METADATA_URI*", "ECS_AGENT_URI", "AWS_CONTAINER_CREDENTIALS_*", "AWS_REGION", "AWS_EXECUTION_ENV"),
    # cloud.google.com/run/docs/container-contract#env-vars
    "cloudrun": ("PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION", "CLOUD_RUN_*", "GOOGLE_CLOUD_PROJECT"),
    # devcenter.heroku.com/articles/dynos, dyno-metadata
    "heroku": ("PORT", "DYNO", "HEROKU_*", "WEB_CONCURRENCY", "DATABASE_URL", "REDIS_URL"),
    # learn.microsoft.com/azure/app-service/reference-app-settings, container-apps/environment-variables
    "azure": ("WEBSITE_*", "WEBSITES_*", "APPSETTING_*", "CONTAINER_APP_*", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_*"),
    # docs.github.com/actions/reference/variables-reference
    "github": ("GITHUB_*", "RUNNER_*", "CI"),
    # docs.gitlab.com/ci/variables/predefined_variables
    "gitlab": ("CI_*", "GITLAB_*", "CI"),
    # fly.io/docs/machines/runtime-environment, render.com/docs/environment-variables, docs.railway.com/reference/variables
    "fly": ("FLY_*", "PRIMARY_REGION"),
    "render": ("PORT", "RENDER", "RENDER_*"),
    "railway": ("PORT", "RAILWAY_*"),
    # EKS: docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
    "eks": ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_STS_REGIONAL_ENDPOINTS"),
}
"""Platform → names it sets; ``*`` stands for any text."""

_OF = {
    "kubernetes": ("kubernetes", "eks"),
    "ecs": ("ecs",),
    "lambda": ("lambda",),
    "azure": ("azure",),
    "cloudrun": ("cloudrun",),
    "compose": (),
    "github": ("github",),
    "processes": ("heroku", "fly", "render", "railway"),
}


def matches(name: str, pattern: str) -> bool:
    """Match a name with a pattern whose ``*`` stands for any text."""
    if "*" not in pattern:
        return name == pattern
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern)


def sets(platform: str, name: str, declared: Iterable[str] = ()) -> bool:
    """Tell whether `platform` (as in `Workload.platform`), any base image or the configuration (`declared`) sets `name`."""
    if name in ANYWHERE or name in BASE_IMAGES:
        return True
    groups = [PLATFORMS[group] for group in _OF.get(platform, ())]
    patterns = [pattern for group in groups for pattern in group]
    patterns.extend(declared)
    return any(matches(name, pattern) for pattern in patterns)
