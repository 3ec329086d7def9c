"""Marked secrets, planted wherever teams keep them: no format, model, baseline, patch or cache shows one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import opslint
import pytest
from opslint.base.finding import Finding, Related
from opslint.report import FORMATS, render
from opslint.report.hidden import hidden_ranges

from . import sample

MARK = "S3cr3tMark"
FILES = {
    ".env.production": f"""\
# DATABASE_URL=postgres://u:{MARK}@old/db
DATABASE_URL=postgres://app:{MARK}@db.prod.internal:5432/app?password={MARK}
export API_KEY='{MARK}'
MULTI="-----BEGIN KEY-----
{MARK}
{MARK}=="
PORT=8000
EMPTY=
ODD {MARK}
LAST: {MARK}
""",
    "docker-compose.yml": f"""\
services:
  api:
    build: .
    command: run --dsn postgres://app:{MARK}@db/app
    environment:
      API_KEY: {MARK}
      QUOTED: "{MARK}
        {MARK}"
      FOLDED: >-
        {MARK}
        {MARK}
      PLAIN: {MARK}
        {MARK}
      FLOW: {{a: {MARK}}}
      DEBUG: "false"
    environment2: x
  worker:
    image: w
    environment:
    - API_KEY={MARK}
    - "OTHER={MARK}"
    - DEBUG=true
  flow:
    environment: {{API_KEY: {MARK},
      OTHER: {MARK}}}
    build:
      args: {{TOKEN: {MARK}}}
  args:
    build:
      args:
        TOKEN: {MARK}
  list:
    build:
      args:
      - TOKEN={MARK}
""",
    "k8s/secret.yaml": f"""\
apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  name: {MARK}
  password: {MARK}
  config.yaml: |
    key: {MARK}

    other: {MARK}
data:
  token: {MARK}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      containers:
      - name: api
        image: registry/api:1
        env:
        - name: API_KEY
          value: {MARK}
        - {{name: OTHER, value: {MARK}}}
        - name: FROM
          valueFrom:
            secretKeyRef:
              name: app
              key: password
        args:
        - --port=8000
        - serve
        command: ["--url", "https://u:{MARK}@h/x?token={MARK}"]
""",
    "helm/values-prod.yaml": f"""\
db:
  password: {MARK}
  adminToken: "{MARK}"
extraEnv:
  A: {MARK}
extraEnvVars:
- name: B
  value: "{MARK}"
secrets:
  nested:
    deep: {MARK}
""",
    "infra/prod.tfvars": f"""\
db_password = "{MARK}"
region      = "{MARK}"
nested = {{
  key = "{MARK}"
}}
list = ["{MARK}", "{MARK}"]
text = <<EOT
{MARK}
EOT
""",
    "infra/main.tf": f"""\
resource "aws_lambda_function" "f" {{
  environment {{
    variables = {{
      API_KEY = "{MARK}"
      URL     = "https://${{var.h}}/{MARK}"
      STAGE   = var.stage
    }}
  }}
}}

resource "aws_ecs_task_definition" "t" {{
  container_definitions = jsonencode([{{
    environment = [{{ name = "A", value = "{MARK}" }}, {{ name = "B", value = "{MARK}" }}]
    secrets     = []
  }}])
}}

resource "aws_db_instance" "d" {{
  password = "{MARK}"
}}
""",
    "task.json": f"""\
{{"containerDefinitions": [{{
  "environment": [
    {{"name": "A", "value": "{MARK}"}},
    {{
      "name": "B",
      "value": "{MARK}"
    }}
  ], "secrets": []
}}], "password": "{MARK}"}}
""",
    ".github/workflows/deploy.yml": f"""\
on: push
env:
  TOKEN: {MARK}
jobs:
  deploy:
    environment: production
    runs-on: ubuntu-latest
    env:
      A: {MARK}
      B: ${{{{ secrets.B }}}}
    steps:
      - run: curl https://user:{MARK}@example.org/?key={MARK}
        env: {{C: {MARK}}}
      - uses: some/action@v1
        with:
          password: {MARK}
""",
    "Dockerfile": f"""\
FROM python:3.12
ENV API_KEY={MARK} OTHER={MARK}
ENV LEGACY {MARK} {MARK}
ENV A={MARK} \\
    B={MARK}
ARG TOKEN={MARK}
RUN pip install --index-url https://u:{MARK}@pypi.example.org/simple x
""",
    "app/settings.py": f"""\
import requests
PASSWORD = "{MARK}"
AWS_SECRET_KEY: str = '{MARK}'
CONFIG = {{"api_key": "{MARK}"}}
requests.get("https://user:{MARK}@example.org/?token={MARK}")
connect(password="{MARK}", token=settings.token)
""",
    "deploy.sh": f"""\
export TOKEN={MARK}
PASSWORD="{MARK}" ./run
""",
    "app.service": f"""\
[Service]
Environment="A={MARK}" B={MARK}
""",
    "fly.toml": f"""\
[env]
  A = "{MARK}"
[http_service]
  internal_port = 8080
""",
}  # fmt: skip


def everywhere() -> list[Finding]:
    """A finding on every line of every file, with the next line as evidence."""
    found = []
    for path, text in FILES.items():
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            below = min(number + 1, len(lines))
            evidence = [Related(message="see", path=path, span=(below, 1, below, len(lines[below - 1]) + 1))]
            span = (number, 1, min(number + 2, len(lines)), 1) if number % 2 else (number, 1, number, len(line) + 1)
            found.append(sample.finding(path=path, span=span, evidence=evidence, fingerprint=f"{number:032x}"))
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_shows_a_planted_secret(tmp_path: Path, name: str) -> None:
    sample.tree(tmp_path, FILES)
    result = sample.result(str(tmp_path), findings=everywhere())
    text = render(name, result, sample.context(str(tmp_path)))
    assert [line for line in text.split("\n") if MARK in line] == []


def test_what_is_no_secret_stays_readable() -> None:
    def shown(path: str, fragment: str) -> str:
        lines = FILES[path].split("\n")
        number = next(index for index, line in enumerate(lines) if fragment in line)
        text = lines[number]
        for start, end in reversed(hidden_ranges(path, lines).get(number, [])):
            text = f"{text[:start]}*{text[end:]}"
        return text

    assert shown(".env.production", "PORT") == "PORT=8000"
    assert shown(".env.production", "export") == "export API_KEY=*"
    assert shown("docker-compose.yml", "DEBUG: ") == '      DEBUG: "false"'
    assert shown("docker-compose.yml", "build:") == "    build: ."
    assert shown("docker-compose.yml", "command") == "    command: run --dsn postgres://*@db/app"
    assert shown("k8s/secret.yaml", "secretKeyRef") == "            secretKeyRef:"
    assert shown("k8s/secret.yaml", "--port") == "        - --port=8000"
    assert shown("k8s/secret.yaml", "serve") == "        - serve"
    assert shown("k8s/secret.yaml", "- name: API_KEY") == "        - name: API_KEY"
    assert shown("k8s/secret.yaml", "image:") == "        image: registry/api:1"
    assert shown(".github/workflows/deploy.yml", "environment:") == "    environment: production"
    assert shown(".github/workflows/deploy.yml", "secrets.B") == "      B: ${{ secrets.B }}"
    assert shown("infra/main.tf", "STAGE") == "      STAGE   = var.stage"
    assert shown("infra/main.tf", "API_KEY") == '      API_KEY = "*"'
    assert shown("app/settings.py", "connect") == 'connect(password="*", token=settings.token)'
    assert shown("app/settings.py", "import") == "import requests"


def opslint_command(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    source = Path(opslint.__file__).parents[1]
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(source), str(source.parent / "rules")]),
        "OPSLINT_CACHE_DIR": str(root.parent / "cache"),
    }
    return subprocess.run(
        [sys.executable, "-m", "opslint", *words], cwd=root, env=env, capture_output=True, text=True, check=False
    )


def test_a_real_run_leaves_no_secret_anywhere(tmp_path: Path) -> None:
    # Terraform names (buckets, regions, accounts) are compared as text: of tfvars only what is named like a secret is left out
    # of the cache, so only that is planted here.
    planted = dict(FILES)
    planted["infra/prod.tfvars"] = f'db_password = "{MARK}"\nnested = {{\n  api_token = "{MARK}"\n}}\nregion = "eu-west-1"\n'
    planted["infra/main.tf"] = FILES["infra/main.tf"].replace(f"https://${{var.h}}/{MARK}", "https://${var.h}/")
    root = sample.tree(tmp_path / "repo", planted)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    outputs = []
    for name in FORMATS:
        done = opslint_command(root, "check", "--min-severity", "note", "--min-confidence", "low", "--format", name, "--verbose")
        assert done.returncode in (0, 1, 3), done.stderr
        outputs += [done.stdout, done.stderr]
    for words in (
        ["model", "--all"],
        ["model", "export"],
        ["model", "--format", "mermaid"],
        ["baseline"],
        ["check", "--trace", "t"],
    ):
        done = opslint_command(root, *words)
        outputs += [done.stdout, done.stderr]
    assert [text for text in outputs if MARK in text] == []
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if MARK.encode() in path.read_bytes()] == []
    written = [path for path in root.rglob("*") if path.is_file() and path.relative_to(root).as_posix() not in FILES]
    assert [path for path in written if ".git/" not in str(path) and MARK.encode() in path.read_bytes()] == []
