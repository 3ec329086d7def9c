"""Two hundred marked secrets, one of its own in every place teams keep them: no output, cache, trace or baseline shows one."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from opslint.report import FORMATS

from . import sample
from .test_secrets import opslint_command

SHAPES = ("Zq7Xk{0}wP9vLm3Rt", "sk_live_{0}9fK2xQ7bV", "{0}a94f8b2c1d7e6053", "eyJhbGci{0}Oi1KcT8w", "hunter{0}!Tr0ub4dor&3")
"""Words of a password manager, a provider's key, hexadecimal digits, a token, a password with signs."""


def plant() -> tuple[dict[str, str], dict[str, str]]:
    """Return (files, secret → the file it stands in)."""
    numbers = itertools.count()
    here: dict[str, str] = {}
    where = ""

    def secret(shape: int | None = None) -> str:
        number = next(numbers)
        text = SHAPES[number % 4 if shape is None else shape].format(f"{number:03d}")
        here[text] = where
        return text

    def into(path: str, make: Callable[[Callable[..., str]], str]) -> None:
        nonlocal where
        where = path
        files[path] = make(secret)

    files: dict[str, str] = {}
    for path, make in SOURCES.items():
        into(path, make)
    return files, here


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _dotenv(s: Callable[..., str]) -> str:
    return "\n".join(
        [
            f"API_KEY={s()}", f"export TOKEN='{s()}'", f'QUOTED="{s()}"', f"SIGNED={s(4)}", f"PLAIN_LOOKING={s()}",
            f"DATABASE_URL=postgres://app:{s()}@db.internal:5432/app", f"REDIS_URL=redis://:{s()}@cache:6379/0",
            f"CALLBACK=https://hooks.example.com/services/{s()}", f"QUERY=https://example.com/?token={s()}",
            f"JOINED=${{PREFIX}}{s()}", f"DEFAULTED=${{OTHER:-{s()}}}", f"# OLD={s()}", "PORT=8000", "",
        ]
    )  # fmt: skip


def _compose(s: Callable[..., str]) -> str:
    return f"""\
services:
  api:
    build:
      context: .
      args:
        BUILD_TOKEN: {s()}
    command: ["gunicorn", "--dsn", "postgres://app:{s()}@db/app", "shop.main:app", "--key=https://x.example.com/a?sig={s()}"]
    env_file: [.env.production, .env.shared]
    environment:
      API_KEY: {s()}
      OTHER: "{s()}"
      WEBHOOK: https://user:{s()}@hooks.example.com/x
      DEFAULTED: ${{NOTHING:-{s()}}}
      MIXED: prefix-${{NOTHING}}-{s()}
    labels:
      token: {s()}
    healthcheck:
      test: curl -f https://probe:{s()}@localhost:8000/healthz
  worker:
    image: registry.example.com/worker:1
    environment:
    - API_KEY={s()}
    - "OTHER={s()}"
    - DSN=amqp://guest:{s()}@mq:5672/
  args:
    build:
      context: .
      args:
      - TOKEN={s()}
"""


def _kubernetes(s: Callable[..., str]) -> str:
    return f"""\
apiVersion: v1
kind: Secret
metadata:
  name: app
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{{"data":{{"a":"{s()}"}}}}'
data:
  TOKEN: {_encoded(s())}
  RAW: {s()}
stringData:
  PASSWORD: {s()}
  URL: https://u:{s()}@h.example.com/
  config.yaml: |
    key: {s()}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  API_KEY: {s()}
  DATABASE_URL: postgres://app:{s()}@db/app
  app.ini: |
    [auth]
    password = {s()}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    metadata:
      labels: {{app: api}}
    spec:
      containers:
      - name: api
        image: registry.example.com/api:1
        command: ["gunicorn", "shop.main:app", "--url", "https://u:{s()}@h.example.com/x?token={s()}"]
        args: ["--dsn=postgres://u:{s()}@h/x"]
        env:
        - name: API_KEY
          value: {s()}
        - {{name: OTHER, value: "{s()}"}}
        - name: MIXED
          value: $(API_KEY)-{s()}
        - name: SENTRY_DSN
          value: https://{s()}@sentry.example.com/1
        livenessProbe:
          httpGet:
            path: /healthz?token={s()}
            port: 8000
            httpHeaders:
            - name: Authorization
              value: Bearer {s()}
"""


def _values(s: Callable[..., str]) -> str:
    return f"""\
image:
  repository: registry.example.com/api
  tag: "1"
db:
  password: {s()}
  url: postgres://app:{s()}@db/app
adminToken: "{s()}"
env:
  API_KEY: {s()}
  OTHER: {s()}
extra: {s()}
nested:
  deep:
  - {s()}
"""


def _template(s: Callable[..., str]) -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{{{ .Release.Name }}}}
spec:
  template:
    metadata:
      labels: {{app: api}}
    spec:
      containers:
      - name: api
        image: "{{{{ .Values.image.repository }}}}:{{{{ .Values.image.tag }}}}"
        args: ["--dsn", "https://u:{s()}@h.example.com/"]
        env:
        - name: API_KEY
          value: {{{{ .Values.env.API_KEY | quote }}}}
        - name: LITERAL
          value: {s()}
        - name: DEFAULTED
          value: {{{{ .Values.none | default "{s()}" | quote }}}}
---
apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  password: {{{{ .Values.db.password | quote }}}}
  extra: {{{{ .Values.extra | quote }}}}
  own: {s()}
"""


def _tfvars(s: Callable[..., str]) -> str:
    return f"""\
db_password = "{s()}"
innocent    = "{s()}"
signs       = "{s(4)}"
url         = "postgres://app:{s()}@db.internal/app"
hook        = "https://hooks.example.com/services/{s()}"
joined      = "prefix-{s()}"
nested = {{
  key   = "{s()}"
  plain = {{ deep = "{s()}" }}
}}
list = ["{s()}", "{s()}"]
text = <<EOT
{s()}
EOT
json = "{{\\"a\\": \\"{s()}\\"}}"
region = "eu-west-1"
"""


def _terraform(s: Callable[..., str]) -> str:
    return f"""\
variable "token" {{
  default = "{s()}"
}}

variable "innocent" {{
  default = "{s()}"
}}

variable "settings" {{
  default = {{ key = "{s()}", list = ["{s()}"] }}
}}

variable "hidden" {{
  sensitive = true
  default   = "{s()}"
}}

locals {{
  api_key  = "{s()}"
  innocent = "{s()}"
  joined   = "${{var.region}}-{s()}"
}}

resource "aws_lambda_function" "f" {{
  function_name = "orders"
  environment {{
    variables = {{
      API_KEY = "{s()}"
      OTHER   = "{s()}"
      URL     = "https://${{var.h}}/{s()}"
      MIXED   = "${{var.h}}{s()}"
      FORMAT  = format("%s-{s()}", var.h)
      CHOSEN  = var.h == "x" ? "{s()}" : "{s()}"
      MERGED  = join("-", ["{s()}", var.h])
    }}
  }}
}}

resource "aws_ecs_task_definition" "inline" {{
  family = "api"
  container_definitions = jsonencode([{{
    name = "api"
    image = "registry.example.com/api:1"
    command = ["gunicorn", "--dsn", "postgres://u:{s()}@h/x"]
    environment = [{{ name = "A", value = "{s()}" }}, {{ name = "B", value = "x-${{var.h}}-{s()}" }}]
  }}])
}}

resource "aws_ecs_task_definition" "heredoc" {{
  family = "worker"
  container_definitions = <<JSON
[{{"name": "worker", "image": "registry.example.com/api:1",
  "environment": [{{"name": "A", "value": "{s()}"}}, {{"name": "B", "value": "${{var.h}}-{s()}"}}]}}]
JSON
}}

resource "aws_db_instance" "d" {{
  identifier = "orders"
  password   = "{s()}"
  username   = "app"
}}

resource "aws_instance" "web" {{
  user_data = <<EOT
export TOKEN={s()}
EOT
  tags = {{ token = "{s()}" }}
}}

resource "kubernetes_deployment" "api" {{
  metadata {{
    name = "api"
  }}
  spec {{
    template {{
      spec {{
        container {{
          image = "registry.example.com/api:1"
          env {{
            name  = "API_KEY"
            value = "{s()}"
          }}
          env {{
            name  = "MIXED"
            value = "${{var.h}}-{s()}"
          }}
        }}
      }}
    }}
  }}
}}

resource "google_cloud_run_v2_service" "run" {{
  name = "run"
  template {{
    containers {{
      image = "registry.example.com/api:1"
      env {{
        name  = "PLAIN"
        value = "{s()}"
      }}
    }}
  }}
}}

resource "helm_release" "chart" {{
  name = "chart"
  set {{
    name  = "db.password"
    value = "{s()}"
  }}
  set_sensitive {{
    name  = "auth"
    value = "{s()}"
  }}
  values = [yamlencode({{ db = {{ pass = "{s()}" }} }})]
}}

module "api" {{
  source          = "./service"
  environment     = {{ API_KEY = "{s()}" }}
  container_env   = [{{ name = "A", value = "{s()}" }}]
  app_settings    = {{ KEY = "{s()}" }}
  secrets         = {{ KEY = "{s()}" }}
}}

resource "aws_ssm_parameter" "p" {{
  name  = "/app/key"
  value = "{s()}"
}}

resource "aws_secretsmanager_secret_version" "v" {{
  secret_string = jsonencode({{ password = "{s()}" }})
}}

provider "datadog" {{
  api_key = "{s()}"
}}

output "password" {{
  value = "{s()}"
}}
"""


def _task(s: Callable[..., str]) -> str:
    return json.dumps(
        {
            "family": "api",
            "containerDefinitions": [
                {
                    "name": "api",
                    "image": "registry.example.com/api:1",
                    "command": ["run", f"https://u:{s()}@h/"],
                    "environment": [{"name": "A", "value": s()}, {"name": "B", "value": s()}],
                }
            ],
        },
        indent=2,
    )


def _sam(s: Callable[..., str]) -> str:
    return f"""\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Token:
    Type: String
    Default: {s()}
  Hidden:
    Type: String
    NoEcho: true
    Default: {s()}
  Innocent:
    Type: String
    Default: {s()}
Mappings:
  Keys:
    prod:
      value: {s()}
Globals:
  Function:
    Runtime: python3.12
    Environment:
      Variables:
        GLOBAL_KEY: {s()}
        GLOBAL_URL: https://u:{s()}@h.example.com/
Resources:
  Api:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      CodeUri: src/
      Environment:
        Variables:
          API_KEY: {s()}
          JOINED: !Sub "${{AWS::Region}}-{s()}"
          LISTED: !Join ["-", ["{s()}", !Ref Token]]
          CHOSEN: !If [IsProd, "{s()}", "{s()}"]
  Db:
    Type: AWS::RDS::DBInstance
    Properties:
      MasterUserPassword: {s()}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
      - Name: api
        Image: registry.example.com/api:1
        Environment:
        - Name: API_KEY
          Value: {s()}
  Parameter:
    Type: AWS::SSM::Parameter
    Properties:
      Value: {s()}
"""


def _workflow(s: Callable[..., str]) -> str:
    return f"""\
on: push
env:
  TOKEN: {s()}
  INNOCENT: {s()}
jobs:
  deploy:
    environment: production
    runs-on: ubuntu-latest
    env:
      A: {s()}
      MIXED: ${{{{ secrets.B }}}}-{s()}
    services:
      db:
        image: postgres:16
        env:
          POSTGRES_PASSWORD: {s()}
    container:
      image: python:3.12
      credentials:
        username: u
        password: {s()}
      env:
        C: {s()}
    steps:
    - run: |
        curl https://user:{s()}@example.org/?key={s()}
        export TOKEN={s()}
        TOKEN={s()} ./deploy.sh
        helm upgrade api ./chart --set db.password={s()}
        docker login -u me -p {s()} registry.example.com
        aws configure set aws_secret_access_key {s()}
        curl -H "Authorization: Bearer {s()}" https://api.example.com/deploy
        docker run -e API_KEY={s()} registry.example.com/api:1
      env:
        D: {s()}
        E: "{s()}"
    - uses: acme/action@v1
      with:
        password: {s()}
        token: {s()}
        url: https://u:{s()}@h.example.com/
"""


def _gitlab(s: Callable[..., str]) -> str:
    return f"""\
variables:
  TOKEN: {s()}
  DESCRIBED:
    value: {s()}
    description: for the deploy
deploy:
  stage: deploy
  environment: production
  variables:
    JOB_KEY: "{s()}"
    INNOCENT: {s()}
  before_script:
  - export TOKEN={s()}
  script:
  - curl https://user:{s()}@example.org/?key={s()}
  - kubectl apply -f k8s --token={s()}
  - helm upgrade api ./chart --set db.password={s()}
"""


def _dockerfile(s: Callable[..., str]) -> str:
    return f"""\
ARG OUTER={s()}
FROM python:3.12
ARG TOKEN={s()}
ENV API_KEY={s()} OTHER="{s()}"
ENV LEGACY {s()}
ENV USED={s()}
WORKDIR /srv/$USED
LABEL token={s()}
RUN pip install --index-url https://u:{s()}@pypi.example.org/simple x
RUN TOKEN={s()} make
RUN export KEY={s()} && make
RUN curl -H "Authorization: Bearer {s()}" https://example.org/
COPY . /srv
HEALTHCHECK CMD curl -f https://u:{s()}@localhost/
CMD ["gunicorn", "--dsn=postgres://u:{s()}@h/x", "shop.main:app"]
"""


def _python(s: Callable[..., str]) -> str:
    return f"""\
import os
import requests
import boto3
from pydantic_settings import BaseSettings

PASSWORD = "{s()}"
AWS_SECRET_KEY: str = '{s()}'
CONFIG = {{"api_key": "{s()}"}}
API_KEY = os.environ.get("API_KEY", "{s()}")
TOKEN = os.getenv("TOKEN", "{s()}")
SIGNING_KEY = os.environ.get("SIGNING_KEY") or "{s()}"
DATABASE_URL = os.environ.get("DATABASE_URL", "postgres://app:{s()}@db/app")
HOOK = os.environ.get("HOOK_URL", "https://u:{s()}@hooks.example.com/x?token={s()}")
os.environ["SESSION_TOKEN"] = "{s()}"
os.environ.setdefault("OTHER_SECRET", "{s()}")


class Settings(BaseSettings):
    secret_key: str = "{s()}"
    db_password: str = "{s()}"
    dsn: str = "postgres://app:{s()}@db/app"


requests.get("https://user:{s()}@example.org/?token={s()}")
requests.post("https://example.org/", headers={{"Authorization": "Bearer {s()}"}}, auth=("u", "{s()}"))
requests.get(f"https://example.org/{{PASSWORD}}?key={s()}")
boto3.client("s3", aws_secret_access_key="{s()}")
connect(password="{s()}", token="{s()}")
"""


def _shell(s: Callable[..., str]) -> str:
    return f"""\
#!/bin/sh
export TOKEN={s()}
PASSWORD="{s()}" gunicorn shop.main:app
PGPASSWORD={s()} psql -h db
: "${{API_KEY:={s()}}}"
curl -u user:{s()} https://example.org/
curl https://user:{s()}@example.org/
docker run -e KEY={s()} registry.example.com/api:1
docker login -p {s()} registry.example.com
mysql -p{s()} app
exec gunicorn shop.main:app --dsn postgres://u:{s()}@h/x
"""


SOURCES: dict[str, Callable[[Callable[..., str]], str]] = {
    ".env.production": _dotenv,
    ".env.shared": lambda s: f"SHARED_KEY={s()}\nODD {s()}\nMULTI=\"{s()}\n{s()}\"\n",
    "docker-compose.yml": _compose,
    "k8s/app.yaml": _kubernetes,
    "chart/Chart.yaml": lambda s: "apiVersion: v2\nname: api\nversion: 1.0.0\n",
    "chart/values.yaml": _values,
    "chart/values-prod.yaml": _values,
    "chart/templates/deployment.yaml": _template,
    "infra/prod.tfvars": _tfvars,
    "infra/main.tf": _terraform,
    "infra/terragrunt.hcl": lambda s: f'inputs = {{\n  db_password = "{s()}"\n  innocent = "{s()}"\n  environment = {{ A = "{s()}" }}\n}}\n',
    "infra/prod.tfbackend": lambda s: f'bucket = "state"\naccess_key = "{s()}"\nsecret_key = "{s()}"\n',
    "task.json": _task,
    "template.yaml": _sam,
    ".github/workflows/deploy.yml": _workflow,
    ".gitlab-ci.yml": _gitlab,
    "Dockerfile": _dockerfile,
    "shop/__init__.py": lambda s: "",
    "shop/main.py": _python,
    "deploy.sh": _shell,
    "Procfile": lambda s: f"web: TOKEN={s()} gunicorn shop.main:app --dsn postgres://u:{s()}@h/x\n",
    "kustomization.yaml": lambda s: (
        "resources: [k8s/app.yaml]\n"
        f"configMapGenerator:\n- name: extra\n  literals:\n  - KEY={s()}\n"
        f"secretGenerator:\n- name: hidden\n  literals:\n  - PASSWORD={s()}\n"
        f"patches:\n- patch: |-\n    - op: add\n      path: /spec/template/spec/containers/0/env/-\n"
        f"      value: {{name: PATCHED, value: {s()}}}\n  target: {{kind: Deployment}}\n"
    ),
    "alembic.ini": lambda s: f"[alembic]\nscript_location = migrations\nsqlalchemy.url = postgresql://app:{s()}@db/app\n",
    "pyproject.toml": lambda s: (
        f'[project]\nname = "shop"\nversion = "1"\ndependencies = ["x @ https://u:{s()}@pypi.example.org/x.whl"]\n'
        f'[tool.acme]\ntoken = "{s()}"\n[[tool.uv.index]]\nurl = "https://u:{s()}@pypi.example.org/simple"\n'
    ),
    "requirements.txt": lambda s: (
        f"--index-url https://u:{s()}@pypi.example.org/simple\nrequests==2.32.0\n"
        f"x @ git+https://{s()}@github.com/acme/x.git\n"
    ),
    "app.service": lambda s: f'[Service]\nEnvironment="A={s()}" B={s()}\nExecStart=/srv/run --dsn postgres://u:{s()}@h/x\n',
    "fly.toml": lambda s: f'[env]\n  A = "{s()}"\n[http_service]\n  internal_port = 8080\n',
    "schema.sql": lambda s: f"CREATE USER app WITH PASSWORD '{s()}';\nALTER TABLE t ADD COLUMN c text DEFAULT '{s()}';\n",
}  # fmt: skip


def leaks(data: bytes, secrets: dict[str, str]) -> list[str]:
    """Return the secrets that `data` holds: as they are, or in base64."""
    found = []
    for text, path in secrets.items():
        forms = (text.encode(), _encoded(text).encode()[:-4])
        if any(form in data for form in forms):
            found.append(f"{path}: {text}")
    return found


def unpacked(data: bytes) -> bytes:
    """Return the data with every zlib stream in it opened."""
    out = [data]
    at = 0
    while (at := data.find(b"x", at)) >= 0:
        if data[at + 1 : at + 2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
            with contextlib.suppress(zlib.error):
                out.append(zlib.decompressobj().decompress(data[at:]))
        at += 1
    return b"\0".join(out)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    files, secrets = plant()
    top = tmp_path_factory.mktemp("planted")
    root = sample.tree(top / "repo", files)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    return root, secrets


def test_there_are_enough() -> None:
    files, secrets = plant()
    assert len(secrets) >= 200
    assert [text for text, path in secrets.items() if text not in files[path] and _encoded(text) not in files[path]] == []


def test_nothing_that_a_run_writes_shows_one(planted: tuple[Path, dict[str, str]]) -> None:
    root, secrets = planted
    trace = root.parent / "trace"
    shown: list[str] = []
    for number, name in enumerate(FORMATS):
        words = ["check", "--min-severity", "note", "--min-confidence", "low", "--format", name, "--verbose", "--statistics"]
        if number == 0:
            words += ["--trace", str(trace)]
        done = opslint_command(root, *words)
        assert done.returncode in (0, 1, 3), done.stderr
        assert "rule-crash" not in done.stdout + done.stderr
        shown += [f"{name}: {leak}" for leak in leaks((done.stdout + done.stderr).encode(), secrets)]
    shown += [f"trace: {leak}" for leak in leaks(trace.read_bytes(), secrets)]
    for words in (["model", "--all"], ["model", "export"], ["model", "--format", "mermaid"], ["baseline"], ["config", "show"]):
        done = opslint_command(root, *words)
        shown += [f"{words}: {leak}" for leak in leaks((done.stdout + done.stderr).encode(), secrets)]
    done = opslint_command(root, "check", "--show-fixes", "--unsafe-fixes")
    shown += [f"fixes: {leak}" for leak in leaks((done.stdout + done.stderr).encode(), secrets)]
    known = set(plant()[0])
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).as_posix()
        if path.is_file() and inside not in known and not inside.startswith(".git/"):
            shown += [f"{inside}: {leak}" for leak in leaks(path.read_bytes(), secrets)]
    assert shown == []


def test_the_cache_holds_none(planted: tuple[Path, dict[str, str]]) -> None:
    root, secrets = planted
    opslint_command(root, "check", "--no-prescreen")
    opslint_command(root, "check")
    kept = [path for path in (root.parent / "cache").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) > 10_000
    held: list[str] = []
    for path in kept:
        held += leaks(unpacked(path.read_bytes()), secrets)
    assert sorted(set(held)) == []
