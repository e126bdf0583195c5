"""`python -m sfr_core`: the same runs as on the page, without a browser."""

import sys

from sfr_core.cli.run import main

if __name__ == "__main__":
    sys.exit(main())
