"""The command line: ``appliance COMMAND``."""

import sys

_PATCHED = (["controller"], ["bench", "--controller"])


def main() -> int:
    """Run the command line; returns the exit status."""
    if sys.argv[1:2] in _PATCHED or sys.argv[1:3] in _PATCHED:
        # psycopg and urllib3 wait on sockets; patched first of all, their waits are gevent's.
        from gevent import monkey

        monkey.patch_all()
    from appliance.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
