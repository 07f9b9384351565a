"""Runs the command line as `python -m anima.cli`."""

from anima.cli.main import main

main()
