"""Document → facts, one module per operational concern, not per language."""
