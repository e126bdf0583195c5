"""`python -m sfr_core`: the same runs as on the page, without a browser."""

import os
import sys

from sfr_core.cli.talk import interrupted, interrupts


def _main() -> int:
    """The exit code. What is imported takes a second, in which a signal may come too."""
    with interrupts() as asked:
        try:
            from sfr_core.cli.run import main

            code = main()
        except KeyboardInterrupt:
            code = interrupted()
        if asked.is_set():  # libraries that are half imported are not asked to clean up
            sys.stdout.flush()
            os._exit(code)
        return code


if __name__ == "__main__":
    sys.exit(_main())
