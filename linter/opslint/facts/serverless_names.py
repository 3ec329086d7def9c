"""Names that the facts of Serverless Framework files and the model agree on."""

from __future__ import annotations

FIRST, LOOK = "slsfirst", "sls"
"""Calls that variables of the framework become: the first of several sources that is there, and one source by its address."""
