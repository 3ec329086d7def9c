"""Jobs that reach into another environment; versions that CI tests."""

from __future__ import annotations

import pytest
from opslint.model import runtimes
from opslint.model.pipeline_crossings import job_crossings, own_environment, stem_of
from opslint.model.runtimes import allows, comparable

HEAD = "on: push\njobs:\n  it:\n    runs-on: ubuntu-latest\n"


def _job(body):
    return {".github/workflows/a.yml": HEAD + body}


def _kinds(model):
    return [(item.kind, item.text, item.own, item.other) for item in job_crossings(model)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "    environment: staging\n    steps:\n      - run: kubectl apply -f x.yaml -n production\n",
            [("target", "kubectl apply", "staging", "production")],
        ),
        (
            "    environment: staging\n    steps:\n      - run: ./deploy.sh\n        env: {KEY: '${{ secrets.PROD_KEY }}'}\n",
            [("secret", "PROD_KEY", "staging", "production")],
        ),
        (
            "    environment: staging\n    steps:\n      - run: ./copy.sh\n"
            "        env: {A: '${{ secrets.PROD_KEY }}', B: '${{ secrets.STAGING_KEY }}'}\n",
            [],
        ),
        (
            "    environment: staging\n    steps:\n      - run: ./x.sh\n"
            "        env: {KEY: \"${{ github.ref == 'x' && secrets.PROD_KEY || secrets.STAGING_KEY }}\"}\n",
            [],
        ),
        ("    environment: staging\n    steps:\n      - run: echo ${{ secrets.PROD_NPM_TOKEN }}\n", []),
        (
            "    environment: staging\n    env: {DB_HOST: db.prod.acme.io}\n    steps: [{run: ./x.sh}]\n",
            [("value", "DB_HOST", "staging", "production")],
        ),
        ("    environment: staging\n    env: {DB_HOST: db.dev.acme.io}\n    steps: [{run: ./x.sh}]\n", []),
        ("    steps:\n      - run: ./x.sh\n        env: {KEY: '${{ secrets.PROD_KEY }}'}\n", []),
    ],
)
def test_crossings(model_of, body, expected):
    assert _kinds(model_of(_job(body))) == expected


def test_a_job_for_two_environments_has_none_of_its_own(model_of):
    model = model_of(
        _job("    steps:\n      - run: helm upgrade a ./a -n staging\n      - run: helm upgrade a ./a -n production\n")
    )
    ((_pipeline, job),) = model.pipelines.jobs()
    assert own_environment(job) == ""


def test_stems():
    assert stem_of("PROD_SSH_KEY") == stem_of("STAGING_SSH_KEY") == stem_of("SSH_KEY_PRODUCTION") == "SSH_KEY"


@pytest.mark.parametrize(
    ("body", "versions", "unknown"),
    [
        (
            "    steps:\n      - uses: actions/setup-python@v5\n        with: {python-version: '3.12.4'}\n      - run: pytest\n",
            ["3.12"],
            False,
        ),
        (
            "    strategy: {matrix: {v: ['3.11'], include: [{v: '3.13'}]}}\n    steps:\n      - uses: actions/setup-python@v5\n"
            "        with: {python-version: '${{ matrix.v }}'}\n      - run: tox\n",
            ["3.11", "3.13"],
            False,
        ),
        (
            "    env: {PYTHON_VERSION: '3.12'}\n    steps:\n      - uses: actions/setup-python@v5\n"
            "        with: {python-version: '${{ env.PYTHON_VERSION }}'}\n      - run: python -m pytest\n",
            ["3.12"],
            False,
        ),
        (
            "    steps:\n      - uses: actions/setup-python@v5\n        with: {python-version: 3.x}\n      - run: pytest\n",
            [],
            True,
        ),
        ("    steps:\n      - uses: actions/setup-python@v5\n      - run: pytest\n", ["3.10"], False),
        ("    steps:\n      - run: docker compose run --rm web pytest\n", [], True),
        ("    container: python:3.9-slim\n    steps:\n      - run: pytest\n", ["3.9"], False),
        (
            "    steps:\n      - uses: ./.github/actions/python\n        with: {version: '3.14'}\n      - run: pytest\n",
            ["3.14"],
            False,
        ),
    ],
)
def test_versions_that_ci_tests(model_of, body, versions, unknown):
    files = _job(body)
    files[".python-version"] = "3.10\n"
    files[".github/actions/python/action.yml"] = (
        "inputs: {version: {default: '3.8'}}\nruns:\n  using: composite\n  steps:\n"
        "    - uses: actions/setup-python@v5\n      with: {python-version: '${{ inputs.version }}'}\n"
    )
    found = runtimes.tested_versions(model_of(files))["python"]
    assert (list(found.versions), bool(found.unknown)) == (versions, unknown)


def test_no_tests_no_answer(model_of):
    assert runtimes.tested_versions(model_of(_job("    steps: [{run: make build}]\n"))) == {}


@pytest.mark.parametrize(
    ("specifier", "version", "expected"),
    [
        (">=3.12", "3.11", False),
        (">=3.10,<3.14", "3.12", True),
        (">=3.10,<3.12", "3.12", False),
        ("~=3.11.0", "3.12", False),
        ("~=3.11", "3.12", True),
        ("^3.11", "3.13", True),
        ("==3.11.*", "3.11", True),
        (">3.9.1", "3.9", True),
        ("<4", "3.13", True),
        ("lots", "3.11", None),
    ],
)
def test_what_a_project_allows(specifier, version, expected):
    assert allows(specifier, version) is expected


def test_versions_as_compared():
    assert comparable("node", "20.11.1") == comparable("node", "v20.x") == "20"
    assert comparable("python", "3.12.1-slim") == "3.12"
    assert comparable("python", "3.x") == comparable("node", "lts/*") == ""
