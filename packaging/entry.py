"""Where the frozen program starts: the same command line as ``python -m atlas_desktop``."""

import sys

from atlas_desktop.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
