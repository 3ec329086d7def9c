"""Words of a command → what it does."""

from __future__ import annotations

import pytest
from opslint.model.shell_commands import saved_plan, understand, unwrap

KINDS = [
    ("terraform -chdir=infra/prod apply -auto-approve", "apply"),
    ("tofu plan -out=tfplan", "plan"),
    ("terragrunt run-all apply --terragrunt-non-interactive", "apply"),
    ("poetry run pytest -x", "test"),
    ("uv run --frozen ruff check .", "lint"),
    ("python -m pytest", "test"),
    ("coverage run manage.py test", "test"),
    ("docker compose -f prod.yml exec -T web python manage.py migrate --noinput", "migrate"),
    ("kubectl exec -it pod -- alembic upgrade head", "migrate"),
    ("kubectl -n prod apply -k k8s/overlays/prod", "deploy"),
    ("kubectl apply --dry-run=client -f k8s", "validate"),
    ("helm upgrade --install web ./chart --dry-run", "validate"),
    ("helm upgrade --install web ./chart", "deploy"),
    ("ansible-playbook -i inventory/prod site.yml", "deploy"),
    ("sudo timeout 60 curl -fsS http://localhost:8000/healthz", "verify"),
    ("npm audit --audit-level=high", "scan"),
    ("black --check .", "lint"),
    ("./scripts/deploy.sh prod", "script"),
    ("bash scripts/x.sh", "script"),
    ("make -C infra test", "make"),
    ("npm run test:e2e", "npm"),
]


@pytest.mark.parametrize(("line", "kind"), KINDS, ids=[line for line, _kind in KINDS])
def test_kind(line: str, kind: str) -> None:
    known = understand(line.split())
    assert known is not None
    assert known.kind == kind


@pytest.mark.parametrize(
    "line",
    [
        "black .",
        "terraform init",
        "pip install pytest",
        "echo pytest",
        "npm ci",
        "ansible-playbook local.yml",
        "ansible-playbook -i localhost, x.yml",
        "docker run --rm img bash -c x",
        "kubectl get pods",
        "curl -O https://example.com/a.tgz",
        "kubectl patch application web",
    ],
)
def test_nothing_of_interest(line: str) -> None:
    assert understand(line.split()) is None


def test_target_and_flags() -> None:
    known = understand("terraform -chdir=infra/prod apply -auto-approve -lock=false".split())
    assert known is not None
    assert known.target == "infra/prod"
    assert known.flags == ["auto-approve", "no-lock"]


def test_environment_hints() -> None:
    known = understand("helm upgrade web ./chart -f values-prod.yaml -n production".split())
    assert known is not None
    assert known.hints == ["values-prod.yaml", "production"]


@pytest.mark.parametrize(
    ("line", "plan"),
    [
        ("terraform apply tfplan", "tfplan"),
        ("terraform apply -var-file prod.tfvars", ""),
        ("terraform apply -input=false -auto-approve out.plan", "out.plan"),
    ],
)
def test_saved_plan(line: str, plan: str) -> None:
    assert saved_plan(line.split()) == plan


def test_unwrap_tells_the_cluster_from_the_local_stack() -> None:
    assert unwrap("kubectl exec pod -- env A=1 python manage.py migrate".split()) == (["manage.py", "migrate"], True)
    assert unwrap("docker compose run --rm web pytest".split()) == (["pytest"], False)
