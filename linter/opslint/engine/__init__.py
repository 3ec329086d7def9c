"""The engine: from a command line's options to a result. See `opslint.engine.run`."""
