"""The command line. `opslint.__main__` answers plain lines itself and hands everything else to `opslint.cli.main`."""
