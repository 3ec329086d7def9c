"""Pure data that every layer shares; imports nothing of opslint outside this package."""
