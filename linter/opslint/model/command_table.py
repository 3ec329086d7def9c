"""What the programs that pipelines run do, as data: program and sub-command → action kind.

Sources: each tool's own command reference. Kinds: ``test lint validate scan plan apply migrate build push deploy verify rollback
destroy``. A key is the program with as many leading words as decide; a value None means "nothing of interest".
"""

from __future__ import annotations


def _table(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.strip().splitlines():
        kind, _, commands = line.partition(":")
        for command in commands.split("|"):
            found[command.strip()] = kind.strip()
    return found


COMMANDS = _table("""
test: pytest | py.test | tox | nox | unittest | manage.py test | go test | cargo test | cargo nextest | jest | vitest | mocha
test: ava
test: playwright test | cypress run | newman run | behave | robot | k6 run | locust | mvn test | mvn verify | gradle test
test: gradle check
test: dotnet test | rspec | phpunit | rake test | rails test | bats | molecule test | ct install | ctest | django-admin test
test: schemathesis
test: stestr | nose2 | ginkgo | gotestsum | terraform test | tofu test | mix test | rake spec | artillery run | taurus | bzt
test: trial
lint: ruff | ruff check | ruff format | flake8 | pylint | mypy | pyright | pyre | pytype | eslint | prettier | golangci-lint
lint: shellcheck | yamllint
lint: ansible-lint | pre-commit run | actionlint | djlint | tsc | stylelint | rubocop | gofmt | black | isort | hadolint
lint: sqlfluff | biome | markdownlint
lint: vulture | pydocstyle | pycodestyle | tflint | terraform fmt | tofu fmt | terragrunt hclfmt | cargo clippy | cargo fmt
lint: go vet | staticcheck | zizmor
lint: interrogate | codespell | commitlint | pycln | autoflake | bandersnatch | xenon | radon | lint-imports | import-linter
lint: squawk
validate: kubeconform | kubeval | helm lint | helm template | kustomize build | kubectl kustomize | sam validate | cfn-lint
validate: packer validate
validate: manage.py check | alembic check | promtool check | amtool check-config | terraform validate | tofu validate
validate: terragrunt validate
validate: kube-score | kube-linter | datree | conftest | opa test | pluto | cdk synth | helmfile lint | helmfile template
validate: nomad validate
validate: aws cloudformation validate-template | docker compose config | cue vet | spectral lint | terragrunt hclvalidate
validate: opslint
scan: trivy | tfsec | checkov | snyk | grype | pip-audit | safety | bandit | semgrep | gitleaks | trufflehog | npm audit
scan: yarn audit | pnpm audit
scan: osv-scanner | cargo audit | govulncheck | kics | terrascan | dockle | gosec | detect-secrets | brakeman | bundle-audit
scan: docker scout | zap-baseline.py
scan: audit-ci | better-npm-audit | sonar-scanner | nuclei | yarn npm audit
plan: terraform plan | tofu plan | terragrunt plan | pulumi preview | cdk diff | helmfile diff | helm diff
plan: atlas migrate lint | kubectl diff
apply: terraform apply | tofu apply | terragrunt apply | pulumi up | cdk deploy
destroy: terraform destroy | tofu destroy | terragrunt destroy | pulumi destroy | cdk destroy
migrate: manage.py migrate | alembic upgrade | flask db upgrade | flyway migrate | liquibase update | dbmate up
migrate: dbmate migrate | goose up
migrate: atlas migrate apply | prisma migrate deploy | sequelize db:migrate | sequelize-cli db:migrate | knex migrate:latest
migrate: rails db:migrate
migrate: rake db:migrate | aerich upgrade | typeorm migration:run | django-admin migrate | diesel migration run
migrate: sqlx migrate run | yoyo apply
migrate: db-migrate up | drizzle-kit migrate | sqitch deploy
build: docker build | docker buildx build | docker compose build | podman build | buildah bud | buildah build | pack build
build: sam build | docker buildx bake
build: mvn package | gradle build | next build | vite build | go build | cargo build | kaniko
push: docker push | docker compose push | podman push | helm push | twine upload | npm publish | poetry publish | uv publish
push: buildah push | crane push
deploy: kubectl apply | kubectl set image | kubectl rollout restart | kubectl replace | helm upgrade | helm install
deploy: helmfile apply
deploy: helmfile sync | helmfile deploy | docker stack deploy | docker service update | aws ecs update-service
deploy: aws lambda update-function-code
deploy: aws cloudformation deploy | aws cloudformation update-stack | aws cloudformation create-stack
deploy: aws deploy create-deployment | sam deploy
deploy: serverless deploy | sls deploy | gcloud run deploy | gcloud app deploy | gcloud functions deploy | az webapp deploy
deploy: az webapp up
deploy: az webapp config container set | az containerapp update | az containerapp up | az functionapp deployment
deploy: az deployment group create | flyctl deploy | fly deploy
deploy: heroku container:release | railway up | railway deploy | vercel deploy | netlify deploy | firebase deploy
deploy: wrangler deploy | wrangler publish
deploy: eb deploy | copilot deploy | copilot svc deploy | nomad job run | nomad run | ansible-playbook | argocd app sync
deploy: argocd app set | skaffold run
deploy: skaffold deploy | kapp deploy | zappa update | zappa deploy | chalice deploy | doctl apps create-deployment
deploy: doctl apps update | kamal deploy
deploy: cap production deploy | gcloud deploy releases create | aws apprunner start-deployment | aws s3 sync | ecs-deploy
deploy: ecs deploy | werf converge
verify: kubectl rollout status | kubectl wait | aws ecs wait | argocd app wait | helm test | aws cloudformation wait
verify: gcloud run services describe
rollback: kubectl rollout undo | helm rollback | argocd app rollback | flyctl releases rollback
""")
"""The longest matching key decides."""

LONGEST_KEY = max(len(key.split()) for key in COMMANDS)

CHECK_ONLY = {
    "black": ("--check", "--diff"),
    "isort": ("--check", "--check-only", "-c", "--diff"),
    "prettier": ("--check", "-c", "-l", "--list-different"),
    "terraform fmt": ("-check", "--check", "-check=true"),
    "tofu fmt": ("-check", "--check", "-check=true"),
    "ruff format": ("--check", "--diff"),
    "gofmt": ("-l", "-d"),
    "cargo fmt": ("--check",),
    "autoflake": ("--check", "-c"),
}
"""Formatters judge only with one of these flags; without they rewrite."""

DRY_RUN_FLAGS = (
    "--dry-run",
    "--dry-run=client",
    "--dry-run=server",
    "--dry-run=true",
    "--dryrun",
    "--check",
    "--preview",
    "--noop",
)
"""A deploy with one of these changes nothing: it validates."""

EXIT_ZERO = {
    "flake8": ("--exit-zero",),
    "pylint": ("--exit-zero",),
    "ruff check": ("--exit-zero", "-e"),
    "ruff": ("--exit-zero", "-e"),
    "bandit": ("--exit-zero",),
    "checkov": ("--soft-fail", "-s"),
    "tfsec": ("--soft-fail", "-s"),
    "trivy": ("--exit-code=0",),
    "hadolint": ("--no-fail",),
    "tflint": ("--force",),
    "gitleaks": ("--exit-code=0",),
    "safety": ("--continue-on-error",),
}
"""Flags that make a checker succeed whatever it finds. ``--exit-code 0`` is normalised to ``--exit-code=0``."""

NPM_SCRIPTS = {
    "test": "test",
    "e2e": "test",
    "lint": "lint",
    "typecheck": "lint",
    "type-check": "lint",
    "check-types": "lint",
    "format": "lint",
    "build": "build",
    "audit": "scan",
    "deploy": "deploy",
    "migrate": "migrate",
}
"""First part (before ``:``) of a package script's name → kind, as npm's own life cycle and common use name them."""

PASS_THROUGH = frozenset(
    "sudo doas env time nohup exec command nice ionice stdbuf unbuffer xvfb-run dotenv poetry uv pipenv pdm hatch rye npx pnpx bunx"
    " bundle coverage opentelemetry-instrument ddtrace-run tini dumb-init catchsegv caffeinate".split()
)
"""Programs that run the command behind them."""

DASHED = frozenset("aws-vault doppler op chamber infisical teller envconsul vault-env dotenvx kubectl oc with-env sops".split())
"""Programs that run what follows ``--``."""

ACTIONS = _table("""
build: docker/build-push-action | docker/bake-action | redhat-actions/buildah-build
push: pypa/gh-action-pypi-publish | redhat-actions/push-to-registry
deploy: aws-actions/amazon-ecs-deploy-task-definition | aws-actions/aws-cloudformation-github-deploy
deploy: aws-actions/aws-lambda-deploy
deploy: azure/webapps-deploy | azure/functions-action | azure/k8s-deploy | azure/static-web-apps-deploy | azure/aci-deploy
deploy: azure/container-apps-deploy-action | azure/arm-deploy | google-github-actions/deploy-cloudrun
deploy: google-github-actions/deploy-appengine
deploy: google-github-actions/deploy-cloud-functions | google-github-actions/create-cloud-deploy-release
deploy: akhileshns/heroku-deploy
deploy: amondnet/vercel-action | cloudflare/pages-action | nwtgck/actions-netlify | netlify/actions/cli
deploy: firebaseextended/action-hosting-deploy
deploy: burnett01/rsync-deployments | easingthemes/ssh-deploy | einaregilsson/beanstalk-deploy | digitalocean/app_action
deploy: digitalocean/app_action/deploy
deploy: dawidd6/action-ansible-playbook | deliverybot/helm | bitovi/github-actions-deploy-docker-to-ec2 | actions-hub/kubectl
deploy: stefanprodan/kustomize-action
deploy: steebchen/kubectl | burrow-infra/helm-deploy | samkirkland/ftp-deploy-action | w9jds/firebase-action
deploy: jakejarvis/s3-sync-action
plan: dflook/terraform-plan | dflook/tofu-plan
apply: dflook/terraform-apply | dflook/tofu-apply
validate: dflook/terraform-validate | dflook/tofu-validate | instrumenta/kubeval-action | docker://ghcr.io/yannh/kubeconform
validate: stefanprodan/kube-tools
lint: dflook/terraform-fmt-check | golangci/golangci-lint-action | github/super-linter | super-linter/super-linter | psf/black
lint: chartboost/ruff-action
lint: astral-sh/ruff-action | hadolint/hadolint-action | ludeeus/action-shellcheck | pre-commit/action | oxsecurity/megalinter
lint: jakebailey/pyright-action
scan: aquasecurity/trivy-action | aquasecurity/tfsec-action | aquasecurity/tfsec-pr-commenter-action
scan: bridgecrewio/checkov-action | github/codeql-action/analyze
scan: semgrep/semgrep-action | returntocorp/semgrep-action | trufflesecurity/trufflehog | gitleaks/gitleaks-action
scan: pypa/gh-action-pip-audit | gacts/gitleaks
scan: anchore/scan-action | actions/dependency-review-action | sonarsource/sonarcloud-github-action
scan: sonarsource/sonarqube-scan-action | zaproxy/action-baseline
scan: snyk/actions/python | snyk/actions/node | snyk/actions/docker | snyk/actions/iac | snyk/actions/golang
scan: pyupio/safety-action | google/osv-scanner-action
test: cypress-io/github-action | docker://ghcr.io/chartmuseum/helm | helm/kind-action-test | grafana/k6-action
test: grafana/run-k6-action
""")
"""``owner/action`` in lower case, without the version."""

COMMAND_ACTIONS = {
    "superfly/flyctl-actions": ("flyctl", "args"),
    "serverless/github-action": ("serverless", "args"),
    "cloudflare/wrangler-action": ("wrangler", "command"),
    "pulumi/actions": ("pulumi", "command"),
    "azure/cli": ("", "inlineScript"),
    "gruntwork-io/terragrunt-action": ("terragrunt", "tg_command"),
}
"""Actions that run one program: the program, and the input that holds its arguments."""

REMOTE_ACTIONS = frozenset(
    (
        "appleboy/ssh-action",
        "fifsky/ssh-action",
        "garygrossgarten/github-action-ssh",
        "d3rhase/ssh-command-action",
        "cross-the-world/ssh-pipeline",
    )
)
"""Actions whose script runs on another host: what it starts there is a deployment."""


ATOMIC_DEPLOYS = (
    "vercel",
    "netlify",
    "firebase",
    "wrangler",
    "cloudflare/",
    "amondnet/",
    "nwtgck/",
    "firebaseextended/",
    "npm run deploy",
)
"""Hosts that publish a complete build in one step: two runs at once cannot leave half of each."""
