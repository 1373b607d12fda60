"""``python -m keys`` is the command line ``tillit-custodian``."""

import sys

from keys.cli import main

if __name__ == "__main__":
    sys.exit(main())
