"""Two hundred marked secrets in a system of three environments that is linked, compared and exported: nothing opslint writes shows one.

`tests/surface/test_planted.py` plants them in single files of every kind; here the same variables are set for the same services in
several environments, so that the matrix, the identities, the rules of `env` and `overlap` and the exported facts all have to do with them.
"""

from __future__ import annotations

import base64
import itertools
import os
import subprocess
import sys
import urllib.parse
import zlib
from collections.abc import Callable
from pathlib import Path

import opslint
import pytest
from opslint.report import FORMATS

PLACES = ("production", "staging", "development")
SHAPES = (
    "Zq7Xk{0}wP9vLm3Rt",
    "live{0}9fK2xQ7bV",
    "{0}a94f8b2c1d7e6053",
    "eyJhbGci{0}Oi1KcT8w",
    "hunter{0}!Tr0ub4dor",
    "ghp{0}abcdefghij",
)

Plant = Callable[[], str]


class Planter:
    """Makes secrets, each once, and remembers the file each stands in."""

    def __init__(self) -> None:
        self.numbers = itertools.count(100)
        self.files: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self._path = ""

    def secret(self) -> str:
        number = next(self.numbers)
        text = SHAPES[number % len(SHAPES)].format(number)
        self.secrets[text] = self._path
        return text

    def digits(self) -> str:
        """A secret of six digits: short numbers are kept of other settings."""
        text = str(next(self.numbers) * 7919 % 900_000 + 100_000)
        self.secrets[text] = self._path
        return text

    def into(self, path: str, make: Callable[[Planter], str]) -> None:
        self._path = path
        self.files[path] = make(self)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _code(p: Planter) -> str:
    s = p.secret
    return f"""\
import os

import requests
from pydantic_settings import BaseSettings, SettingsConfigDict

API_KEY = os.environ["API_KEY"]
DATABASE_URL = os.environ.get("DATABASE_URL", "postgres://app:{s()}@db.internal/app")
TOKEN = os.getenv("TOKEN", "{s()}")
PIN = os.environ.get("ADMIN_PASSWORD", "{p.digits()}")
HOOK = os.environ.get("HOOK_URL", "https://hooks.example.com/services/{s()}?sig={s()}")
ONLY_HERE = os.environ["MISSING_SECRET"]
os.environ.setdefault("SESSION_SECRET", "{s()}")


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="APP_")
    secret_key: str = "{s()}"
    dsn: str = "mysql://root:{s()}@db/app"
    region: str


def call() -> None:
    requests.get(f"https://user:{s()}@example.org/{{TOKEN}}?key={s()}", headers={{"X-Token": "{s()}"}})
    print(API_KEY, DATABASE_URL, PIN, HOOK, ONLY_HERE, Settings())


call()
"""


def _dockerfile(p: Planter) -> str:
    s = p.secret
    return f"""\
FROM python:3.12
ARG BUILD_TOKEN={s()}
ENV API_KEY_DEFAULT={s()} OTHER_TOKEN="{s()}"
ENV PRIVATE_INDEX=https://ci:{s()}@pypi.example.com/simple
WORKDIR /app
COPY app.py .
COPY start.sh .
ENTRYPOINT ["./start.sh"]
CMD ["python", "app.py", "--token", "{s()}", "--dsn=postgres://u:{s()}@h/x"]
"""


def _start(p: Planter) -> str:
    s = p.secret
    return f"""\
#!/bin/sh
export API_TOKEN={s()}
export DATABASE_DSN="postgres://u:{s()}@h/x"
: "${{FALLBACK_KEY:={s()}}}"
curl -u user:{s()} https://example.org/?token={s()}
exec "$@"
"""


def _env(p: Planter) -> str:
    s = p.secret
    return (
        f"API_KEY={s()}\nexport TOKEN='{s()}'\nADMIN_PASSWORD={p.digits()}\nDATABASE_URL=postgres://app:{s()}@db.example.com:5432/app\n"
        f"REDIS_URL=redis://:{s()}@cache.example.com:6379/0\nHOOK_URL=https://hooks.example.com/services/{s()}?sig={s()}\n"
        f'MULTI="{s()}\n{s()}"\nREGION=eu-west-1\nJOINED=${{REGION}}-{s()}\n'
    )


def _compose(tier: str) -> Callable[[Planter], str]:
    def make(p: Planter) -> str:
        s = p.secret
        return f"""\
services:
  api:
    build:
      context: .
      args: {{BUILD_TOKEN: {s()}}}
    command: ["python", "app.py", "--password", "{s()}", "--url=https://u:{s()}@h.example.com/?t={s()}"]
    env_file: [.env.{tier}]
    environment:
      API_KEY: {s()}
      APP_DSN: amqp://guest:{s()}@mq.{tier}.example.com:5672/jobs
      APP_SECRET_KEY: "${{NOTHING:-{s()}}}"
      MIXED: prefix-${{NOTHING}}-{s()}
    secrets: [signing]
    labels: {{token: "{s()}"}}
    healthcheck: {{test: "curl -f https://probe:{s()}@localhost:8000/"}}
secrets:
  signing:
    environment: SIGNING_KEY
configs:
  inline:
    content: |
      password={s()}
"""

    return make


def _base(p: Planter) -> str:
    s = p.secret
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api}}
spec:
  selector: {{matchLabels: {{app: api}}}}
  template:
    metadata: {{labels: {{app: api}}, annotations: {{note: "{s()}"}}}}
    spec:
      containers:
      - name: api
        image: registry.example.com/acme/api:1
        args: ["python", "app.py", "--token={s()}"]
        envFrom: [{{configMapRef: {{name: settings}}}}, {{secretRef: {{name: hidden}}}}]
        env:
        - {{name: API_KEY, value: "{s()}"}}
        - {{name: EXPANDED, value: "$(API_KEY)-{s()}"}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data:
  DATABASE_URL: postgres://app:{s()}@db.internal/app
  ODBC: "Server=tcp:db.internal;Database=app;Uid=app;Pwd={s()}"
  app.ini: |
    password = {s()}
---
apiVersion: v1
kind: Secret
metadata: {{name: hidden}}
data: {{TOKEN: {_b64(s())}, ADMIN_PASSWORD: {_b64(p.digits())}}}
stringData:
  SESSION_SECRET: {s()}
  config.json: '{{"key": "{s()}"}}'
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {{name: sealed}}
spec: {{encryptedData: {{SEALED: {s()}}}}}
"""


def _overlay(place: str) -> Callable[[Planter], str]:
    def make(p: Planter) -> str:
        s = p.secret
        return f"""\
namespace: {place}
resources: [../../base]
configMapGenerator:
- name: settings
  behavior: merge
  literals: [HOOK_URL=https://hooks.example.com/{s()}, "APP_DSN=postgres://u:{s()}@db.{place}.example.com/app"]
  envs: [more.properties]
secretGenerator:
- name: generated
  literals: [PASSWORD={s()}, PIN={p.digits()}]
patches:
- target: {{kind: Deployment}}
  patch: |-
    - op: add
      path: /spec/template/spec/containers/0/env/-
      value: {{name: PATCHED_TOKEN, value: "{s()}"}}
"""

    return make


def _values(p: Planter) -> str:
    s = p.secret
    return f"""\
image: {{repository: registry.example.com/acme/api, tag: "1"}}
env:
  API_KEY: {s()}
  DATABASE_URL: postgres://app:{s()}@db/app
  HARMLESS: {s()}
auth: {{password: "{s()}", pin: {p.digits()}}}
"""


def _template(p: Planter) -> str:
    s = p.secret
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {{{{ .Release.Name }}}}-chart}}
spec:
  template:
    spec:
      containers:
      - name: api
        image: "{{{{ .Values.image.repository }}}}:{{{{ .Values.image.tag }}}}"
        env:
        {{{{- range $name, $value := .Values.env }}}}
        - {{name: {{{{ $name }}}}, value: {{{{ $value | quote }}}}}}
        {{{{- end }}}}
        - {{name: LITERAL_TOKEN, value: "{s()}"}}
        - {{name: ENCODED_TOKEN, value: {{{{ "{s()}" | b64enc | quote }}}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: chart}}
data: {{PASSWORD: {{{{ .Values.auth.password | b64enc }}}}, PIN: {{{{ .Values.auth.pin | toString | b64enc }}}}}}
"""


def _application(p: Planter) -> str:
    s = p.secret
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: api-staging}}
spec:
  destination: {{namespace: staging}}
  source:
    path: chart
    helm:
      parameters: [{{name: env.API_KEY, value: "{s()}"}}]
      values: |
        env:
          TOKEN: {s()}
      valuesObject: {{env: {{MORE: "{s()}"}}}}
"""


def _terraform(p: Planter) -> str:
    s = p.secret
    return f"""\
variable "db_password" {{
  default = "{s()}"
}}

variable "settings" {{
  default = {{ token = "{s()}", nested = ["{s()}"] }}
}}

locals {{
  api_key = "{s()}"
  url     = "postgres://app:{s()}@db.internal/app"
}}

resource "aws_ecs_task_definition" "api" {{
  family = "api"
  container_definitions = jsonencode([{{
    name        = "api"
    image       = "registry.example.com/acme/api:1"
    command     = ["python", "app.py", "--token", "{s()}"]
    environment = [{{ name = "API_KEY", value = "{s()}" }}, {{ name = "DATABASE_URL", value = local.url }}, {{ name = "ADMIN_PASSWORD", value = "{p.digits()}" }}]
    secrets     = [{{ name = "TOKEN", valueFrom = "arn:aws:ssm:eu-west-1:111122223333:parameter/token" }}]
  }}])
}}

resource "aws_lambda_function" "jobs" {{
  function_name = "jobs"
  environment {{
    variables = {{
      API_KEY  = local.api_key
      HOOK_URL = "https://hooks.example.com/{s()}"
      MERGED   = format("%s-{s()}", var.db_password)
    }}
  }}
}}

resource "aws_secretsmanager_secret_version" "v" {{
  secret_string = jsonencode({{ password = "{s()}" }})
}}
"""


def _tfvars(p: Planter) -> str:
    s = p.secret
    return f'db_password = "{s()}"\nsettings = {{ token = "{s()}", nested = ["{s()}"] }}\n'


def _workflow(p: Planter) -> str:
    s = p.secret
    return f"""\
on: push
env: {{API_KEY: "{s()}"}}
jobs:
  deploy:
    environment: production
    runs-on: ubuntu-latest
    timeout-minutes: 5
    env: {{TOKEN: "{s()}"}}
    steps:
    - run: |
        export PASSWORD={s()}
        docker build --build-arg TOKEN={s()} -t registry.example.com/acme/api:1 .
        helm upgrade api chart --set auth.password={s()} --set-string env.TOKEN={s()}
        terraform apply -var db_password={s()}
        curl -H "Authorization: Bearer {s()}" https://u:{s()}@example.org/
      env: {{STEP_KEY: "{s()}"}}
"""


def _gitlab(p: Planter) -> str:
    s = p.secret
    return f"""\
variables: {{TOKEN: "{s()}", DESCRIBED: {{value: "{s()}", description: d}}}}
deploy:
  environment: {{name: staging}}
  variables: {{JOB_KEY: "{s()}"}}
  script: ["kubectl create secret generic x --from-literal=password={s()}", "kubectl apply -k deploy/overlays/staging --token={s()}"]
"""


def _serverless(p: Planter) -> str:
    s = p.secret
    return f"""\
service: jobs
provider:
  name: aws
  environment: {{API_KEY: "{s()}", URL: "https://u:{s()}@h.example.com/"}}
custom: {{stages: {{prod: {{token: "{s()}"}}}}}}
functions:
  run: {{handler: app.call, environment: {{TOKEN: "{s()}"}}}}
"""


def _broken(line: str) -> Callable[[Planter], str]:
    return lambda p: line.format(p.secret())


def plant() -> Planter:
    """Make the repository: every file once, all secrets different."""
    p = Planter()
    p.into("app.py", _code)
    p.into("Dockerfile", _dockerfile)
    p.into("start.sh", _start)
    for place in PLACES:
        p.into(f".env.{place}", _env)
        p.into(f"docker-compose.{place}.yml", _compose(place))
        p.into(f"deploy/overlays/{place}/kustomization.yaml", _overlay(place))
        p.into(f"deploy/overlays/{place}/more.properties", lambda p: f"MORE_TOKEN={p.secret()}\nPLAIN={p.secret()}\n")
        p.into(f"chart/values-{place}.yaml", _values)
        p.into(f"infra/{place}.tfvars", _tfvars)
    p.into("deploy/base/all.yaml", _base)
    p.files["deploy/base/kustomization.yaml"] = "resources: [all.yaml]\n"
    p.files["chart/Chart.yaml"] = "apiVersion: v2\nname: api\nversion: 1.0.0\n"
    p.into("chart/values.yaml", _values)
    p.into("chart/templates/all.yaml", _template)
    p.into("argocd/staging.yaml", _application)
    p.into("infra/main.tf", _terraform)
    p.into("infra/extra.auto.tfvars.json", lambda p: f'{{"db_password": "{p.secret()}"}}\n')
    p.into(
        "live/prod/terragrunt.hcl",
        lambda p: (
            f'terraform {{\n  source = "../../infra"\n}}\ninputs = {{\n  db_password = "{p.secret()}"\n  settings = {{ token = "{p.secret()}" }}\n}}\n'
        ),
    )
    p.into(".github/workflows/deploy.yml", _workflow)
    p.into(".gitlab-ci.yml", _gitlab)
    p.into("functions/serverless.yml", _serverless)
    p.into("Procfile", lambda p: f"web: TOKEN={p.secret()} python app.py --dsn postgres://u:{p.secret()}@h/x\n")
    p.into("fly.toml", lambda p: f'[env]\n  API_KEY = "{p.secret()}"\n')
    p.into("render.yaml", lambda p: f"services:\n- type: web\n  name: api\n  envVars: [{{key: API_KEY, value: {p.secret()}}}]\n")
    p.into("app.yaml", lambda p: f"runtime: python312\nenv_variables:\n  API_KEY: {p.secret()}\n")
    p.into("api.service", lambda p: f'[Service]\nEnvironment="API_KEY={p.secret()}"\nExecStart=/app/run --token {p.secret()}\n')
    p.into("group_vars/production.yml", lambda p: f"api_key: {p.secret()}\ndb_password: {p.secret()}\n")
    p.into("broken/bad.yaml", _broken("apiVersion: v1\nkind: Secret\ndata:\n  token: {0}\n\tbad: [\n"))
    p.into("broken/bad.tf", _broken('resource "x" "y" {{\n  password = "{0}\n  = }}\n'))
    p.into("broken/bad.py", _broken('import os\nTOKEN = os.environ.get("TOKEN", "{0}\n'))
    p.into("broken/bad.env", _broken('"{0}\nSECRET ={0}=\n'))
    p.into("broken/docker-compose.yml", _broken("services:\n  api:\n    environment: {{TOKEN: {0}, [}}\n"))
    p.into("broken/task.json", _broken('{{"containerDefinitions": [{{"environment": [{{"name": "A", "value": "{0}"}}\n'))
    p.into("broken/.github/workflows/x.yml", _broken("on: push\njobs:\n  a:\n    env: {{TOKEN: {0}\n"))
    return p


def _forms(text: str) -> list[bytes]:
    """The ways a text may stand in a file: as it is, in a URL, in hexadecimal, in base64 at each of three offsets."""
    data = text.encode()
    forms = [data, urllib.parse.quote(text, safe="").encode(), data.hex().encode()]
    for offset in range(3):
        # Whole groups only: what stands before and after changes the first and last characters.
        encoded = base64.b64encode(b"\0" * offset + data)
        forms.append(encoded[(4 if offset else 0) : len(encoded) // 4 * 4 - 4])
    return [form for form in forms if len(form) >= 6]


def leaks(data: bytes, secrets: dict[str, str]) -> list[str]:
    """Return the secrets that `data` holds in any form."""
    whole = data
    at = 0
    while (at := data.find(b"x", at)) >= 0:
        if data[at + 1 : at + 2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
            try:
                whole += zlib.decompressobj().decompress(data[at:])
            except zlib.error:
                whole += b""
        at += 1
    return [f"{path}: {text}" for text, path in secrets.items() if any(form in whole for form in _forms(text))]


def run(root: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    source = Path(opslint.__file__).parents[1]
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(source), str(source.parent / "rules")]),
        "OPSLINT_CACHE_DIR": str(root.parent / "cache"),
        **environment,
    }
    return subprocess.run([sys.executable, "-m", "opslint", *words], cwd=root, env=env, capture_output=True, check=False)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    p = plant()
    root = tmp_path_factory.mktemp("system") / "repo"
    for path, text in p.files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (root / "opslint.toml").write_text('siblings = ["other"]\n')
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    return root, p.secrets


def test_there_are_enough_and_each_is_where_it_is_said_to_be() -> None:
    p = plant()
    assert len(p.secrets) >= 200
    assert [text for text, path in p.secrets.items() if text not in p.files[path] and _b64(text) not in p.files[path]] == []


def test_the_system_is_understood(planted: tuple[Path, dict[str, str]]) -> None:
    # A model that sees nothing leaks nothing.
    root, _secrets = planted
    text = run(root, "model").stdout.decode()
    for word in (
        "production",
        "staging",
        "development",
        "API_KEY",
        "TOKEN",
        "DATABASE_URL",
        "api",
        "PATCHED_TOKEN",
        "LITERAL_TOKEN",
        "MORE",
    ):
        assert word in text


def test_no_report_shows_one(planted: tuple[Path, dict[str, str]]) -> None:
    root, secrets = planted
    trace = root.parent / "trace"
    held: list[str] = []
    loud = ("--min-severity", "note", "--min-confidence", "low", "--verbose", "--statistics")
    for name in FORMATS:
        done = run(root, "check", *loud, "--format", name, "--trace", str(trace))
        assert done.returncode in (1, 3), done.stderr
        assert b"crash" not in done.stdout + done.stderr
        held += [f"{name}: {leak}" for leak in leaks(done.stdout + done.stderr, secrets)]
    held += [f"trace: {leak}" for leak in leaks(trace.read_bytes(), secrets)]
    for words in (
        ["check", "--show-fixes", "--unsafe-fixes"],
        ["check", "--no-prescreen", "--no-cache", "--format", "json"],
        ["config", "show"],
    ):
        done = run(root, *words)
        held += [f"{words}: {leak}" for leak in leaks(done.stdout + done.stderr, secrets)]
    before = {path for path in root.rglob("*") if path.is_file()}
    done = run(root, "baseline")
    held += [f"baseline: {leak}" for leak in leaks(done.stdout + done.stderr, secrets)]
    for path in {path for path in root.rglob("*") if path.is_file()} - before:
        held += [f"{path.name}: {leak}" for leak in leaks(path.read_bytes(), secrets)]
        path.unlink()
    assert held == []


def test_the_model_shows_none(planted: tuple[Path, dict[str, str]]) -> None:
    root, secrets = planted
    held: list[str] = []
    for words in (
        ["--all"],
        ["--format", "json"],
        ["--format", "mermaid"],
        ["--only-differences"],
        ["--service", "api"],
        ["--env", "staging", "--all"],
    ):
        done = run(root, "model", *words)
        assert done.returncode == 0, done.stderr
        held += [f"{words}: {leak}" for leak in leaks(done.stdout + done.stderr, secrets)]
    assert held == []


def test_exported_facts_tell_none(planted: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    root, secrets = planted
    for environment in ({}, {"OPSLINT_FACTS_KEY": "of the team"}):
        done = run(root, "model", "export", str(tmp_path / "facts.json"), **environment)
        assert done.returncode == 0, done.stderr
        assert leaks((tmp_path / "facts.json").read_bytes() + done.stdout + done.stderr, secrets) == []
        other = tmp_path / "other"
        other.mkdir(exist_ok=True)
        (other / "opslint.toml").write_text('siblings = ["system"]\n')
        (other / "app.py").write_text("print(1)\n")
        for words in (["check", "--min-severity", "note", "--format", "json"], ["model", "--all"], ["model", "--format", "json"]):
            done = run(other, *words, "--facts", f"system={tmp_path / 'facts.json'}", **environment)
            assert done.returncode in (0, 1), done.stderr
            assert leaks(done.stdout + done.stderr, secrets) == []


def test_the_hash_of_none_is_exported(planted: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    """Whoever has the file cannot find out a secret by trying: not even with the key, which everybody knows."""
    from opslint.base.masking import digest_key, digest_of, mask, set_digest_key
    from opslint.engine.siblings import exchange_key

    root, secrets = planted
    assert run(root, "model", "export", str(tmp_path / "facts.json")).returncode == 0
    text = (tmp_path / "facts.json").read_text()
    kept = digest_key()
    set_digest_key(exchange_key())
    try:
        told = [secret for secret in secrets if digest_of(secret) in text or mask(secret).digest in text]
    finally:
        set_digest_key(kept)
    assert told == []


def test_the_cache_holds_none(planted: tuple[Path, dict[str, str]]) -> None:
    root, secrets = planted
    for words in (["check", "--no-prescreen"], ["check"], ["model"]):
        run(root, *words)
    kept = [path for path in (root.parent / "cache").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) > 20_000
    assert sorted({leak for path in kept for leak in leaks(path.read_bytes(), secrets)}) == []
