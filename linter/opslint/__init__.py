"""opslint: a pre-deploy linter for operational readiness."""

__version__ = "0.1.0"
