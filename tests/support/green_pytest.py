"""pytest in a process that is green from its first line, as a worker is: `python -m tests.support.green_pytest`."""

from services.seedwork import green

green.self_test()

import sys  # noqa: E402

import pytest  # noqa: E402

if __name__ == "__main__":
    sys.exit(pytest.main([*sys.argv[1:], "-p", "no:cacheprovider"]))
