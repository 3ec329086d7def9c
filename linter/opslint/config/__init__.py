"""Configuration: `opslint.toml` or `[tool.opslint]` in `pyproject.toml`, validated, with the origin of each key."""
