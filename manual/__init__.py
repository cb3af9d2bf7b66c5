"""The man pages, made from what `--help` and the documentation are: `make man` writes them into the package."""
