"""Make a synthetic repository: `python benchmarks/generate.py DIR FILES [--seed N]`.

The mix follows what real service repositories hold: 80 % Python (one file in nine with anything opslint cares about), the rest
YAML manifests, workflows, Terraform, compose, dotenv and other files.

`python benchmarks/generate.py DIR --matrix ENVIRONMENTS SERVICES VARIABLES` makes environments side by side instead: services with code
and a Dockerfile each, Kubernetes manifests in a base, one kustomize overlay per environment that gives every service its variables.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

PLAIN = '''"""Module {n}."""

from dataclasses import dataclass


@dataclass
class Record{n}:
    name: str
    value: int = {n}

    def total(self, items: list[int]) -> int:
        result = 0
        for item in items:
            if item % 2:
                result += item * self.value
            else:
                result -= item
        return result


def transform_{n}(rows: list[dict[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {{}}
    for row in rows:
        for key, value in row.items():
            found[key] = found.get(key, 0) + value
    return {{key: value for key, value in sorted(found.items()) if value}}
'''

SERVICE = '''"""Client {n}."""

import os

import requests

BASE = os.environ["SERVICE_{n}_URL"]
session = requests.Session()


def fetch_{n}(path: str) -> dict[str, str]:
    response = session.get(f"{{BASE}}/{{path}}", timeout=5)
    response.raise_for_status()
    return response.json()
'''

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{n}
spec:
  replicas: 2
  selector:
    matchLabels: {{app: app-{n}}}
  template:
    metadata:
      labels: {{app: app-{n}}}
    spec:
      containers:
        - name: app
          image: registry.example.com/app-{n}:1.{n}.0
          ports: [{{containerPort: 8000}}]
          readinessProbe: {{httpGet: {{path: /ready, port: 8000}}}}
          livenessProbe: {{httpGet: {{path: /live, port: 8000}}}}
          env:
            - {{name: SERVICE_{n}_URL, value: "https://svc-{n}.internal"}}
"""

TERRAFORM = """resource "aws_sqs_queue" "jobs_{n}" {{
  name                       = "jobs-{n}"
  visibility_timeout_seconds = 360
  redrive_policy = jsonencode({{
    deadLetterTargetArn = aws_sqs_queue.dead_{n}.arn
    maxReceiveCount     = 5
  }})
}}

resource "aws_sqs_queue" "dead_{n}" {{
  name = "jobs-{n}-dead"
}}
"""

WORKFLOW = """name: ci-{n}
on: [pull_request]
permissions: {{contents: read}}
jobs:
  test:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4
      - run: pytest -q tests/{n}
"""


def make(root: Path, files: int, seed: int = 7) -> None:
    """Write about `files` files below `root`, the same for the same seed."""
    chance = random.Random(seed)
    for n in range(files):
        folder = f"pkg{n % 97}/part{n % 13}"
        draw = chance.random()
        if draw < 0.71:
            path, text = f"src/{folder}/plain_{n}.py", PLAIN.format(n=n) * chance.randint(1, 5)
        elif draw < 0.80:
            path, text = f"src/{folder}/client_{n}.py", SERVICE.format(n=n)
        elif draw < 0.86:
            path, text = f"deploy/k8s/app-{n}/deployment.yaml", DEPLOYMENT.format(n=n)
        elif draw < 0.91:
            path, text = f"infra/stack_{n}/main.tf", TERRAFORM.format(n=n)
        elif draw < 0.92:
            path, text = f".github/workflows/ci_{n}.yml", WORKFLOW.format(n=n)
        else:
            path, text = f"docs/{folder}/page_{n}.md", f"# Page {n}\n\n" + "Text of a page.\n" * 20
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


SETTINGS = '''"""Settings of service {n}."""

import os

{reads}

def ready() -> str:
    return VALUE_0
'''

IMAGE = """FROM python:3.12-slim
WORKDIR /app
COPY services/svc_{n}/ .
USER 1000
CMD ["python", "-m", "app"]
"""

WORKLOAD = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: svc-{n}
spec:
  replicas: 2
  selector:
    matchLabels: {{app: svc-{n}}}
  template:
    metadata:
      labels: {{app: svc-{n}}}
    spec:
      containers:
        - name: app
          image: registry.example.com/acme/svc-{n}:1.{n}.0
          ports: [{{containerPort: 8000}}]
          readinessProbe: {{tcpSocket: {{port: 8000}}}}
          envFrom:
            - configMapRef: {{name: svc-{n}}}
          env:
            - name: DATABASE_PASSWORD
              valueFrom: {{secretKeyRef: {{name: svc-{n}-db, key: password}}}}
"""

BUILD = """name: images
on: [push]
permissions: {{contents: read}}
jobs:
  build:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
{steps}
"""

PLACES = ("production", "staging", "development", "test", "preview")
KINDS = ("URL", "LIMIT", "ENABLED", "BUCKET", "REGION", "TOPIC")


def _value(kind: str, place: str, n: int, number: int) -> str:
    return {
        "URL": f"https://svc-{number % 40}.{place}.example.com/v1",
        "LIMIT": str(10 + number),
        "ENABLED": "true" if number % 2 else "false",
        "BUCKET": f"acme-{place}-svc-{n}-{number}",
        "REGION": "eu-west-1",
        "TOPIC": f"svc-{n}.events-{number}",
    }[kind]


def make_matrix(root: Path, environments: int, services: int, variables: int, *, seed: int = 7) -> list[tuple[str, str, str]]:
    """Write environments × services × variables below `root`; return the (environment, service, name) left out on purpose."""
    chance = random.Random(seed)
    names = [f"{KINDS[number % len(KINDS)]}_{number}" for number in range(variables)]
    places = PLACES[:environments]
    left_out = [(chance.choice(places), f"svc-{chance.randrange(services)}", chance.choice(names)) for _ in range(12)]
    files: dict[str, str] = {}
    for n in range(services):
        reads = "\n".join(f'VALUE_{number} = os.environ["{name}"]' for number, name in enumerate(names))
        files[f"services/svc_{n}/app/__init__.py"] = ""
        files[f"services/svc_{n}/app/__main__.py"] = "from app.settings import ready\n\nprint(ready())\n"
        files[f"services/svc_{n}/app/settings.py"] = SETTINGS.format(n=n, reads=reads)
        files[f"services/svc_{n}/Dockerfile"] = IMAGE.format(n=n)
        files[f"deploy/base/svc-{n}.yaml"] = WORKLOAD.format(n=n)
        for place in places:
            lines = [
                f"{name}={_value(name.partition('_')[0], place, n, number)}"
                for number, name in enumerate(names)
                if (place, f"svc-{n}", name) not in left_out
            ]
            files[f"deploy/overlays/{place}/svc-{n}.properties"] = "\n".join(lines) + "\n"
    steps = "\n".join(
        f"      - run: docker build -f services/svc_{n}/Dockerfile -t registry.example.com/acme/svc-{n}:$GITHUB_SHA ."
        for n in range(services)
    )
    files[".github/workflows/images.yml"] = BUILD.format(steps=steps)
    files["deploy/base/kustomization.yaml"] = "resources:\n" + "".join(f"  - svc-{n}.yaml\n" for n in range(services))
    for place in places:
        maps = "".join(f"  - name: svc-{n}\n    envs: [svc-{n}.properties]\n" for n in range(services))
        overlay = f"namespace: {place}\nresources: [../../base]\nconfigMapGenerator:\n{maps}"
        files[f"deploy/overlays/{place}/kustomization.yaml"] = overlay
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return sorted(set(left_out))


if __name__ == "__main__":
    if "--matrix" in sys.argv:
        make_matrix(Path(sys.argv[1]), *(int(word) for word in sys.argv[3:6]))
        raise SystemExit(0)
    make(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[4]) if "--seed" in sys.argv else 7)
