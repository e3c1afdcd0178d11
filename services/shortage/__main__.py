"""`python -m services.shortage api|worker`."""

import sys

from services.seedwork.serving import main

if __name__ == "__main__":
    sys.exit(main("shortage"))
