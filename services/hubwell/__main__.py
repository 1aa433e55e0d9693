"""``python -m hubwell``: the same as the command ``hubwell``."""

from hubwell.cli import main

main()
