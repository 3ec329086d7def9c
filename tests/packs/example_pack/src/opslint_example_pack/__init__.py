"""An example rule pack for opslint."""
