"""Become a server that cannot outlive the process that wanted it.

Run as `python -I -S launch.py SIGNAL PARENT USER COMMAND…` between fork and the server itself,
because what happens here must not run in a forked copy of a threaded Python. Only the standard
library: this is on the path of every start.

* The server leads its own session, so that Ctrl-C in a terminal reaches the supervisor alone,
  which then stops things in order.
* Linux sends SIGNAL to the server when its parent dies, even by `kill -9` (prctl(2),
  PR_SET_PDEATHSIG). Other systems have no such thing; there the next start finds what is left.
* USER other than `-`: PostgreSQL refuses to run as root, so root gives up everything but the right
  to pass directories that root owns (capabilities(7), CAP_DAC_OVERRIDE as an ambient capability).
  The alternative is to open the home directory of root to everybody.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
EXIT_CANNOT_LAUNCH = 71
"""EX_OSERR of sysexits.h."""


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def become(user: str) -> None:
    """Change to an ordinary user, keeping only the right to pass root's directories."""
    account = pwd.getpwnam(user)
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    keep = 1 << CAP_DAC_OVERRIDE
    sets = (_Sets * 2)(_Sets(keep, keep, keep), _Sets(0, 0, 0))
    _check(libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), sets))
    _check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0))


def die_with_parent(signal_number: int, parent: int) -> None:
    """Ask Linux for `signal_number` when the parent dies; elsewhere do nothing."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0))
    if os.getppid() != parent:
        sys.exit(EXIT_CANNOT_LAUNCH)  # the parent died before the line above


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def main() -> None:
    """Prepare this process and become the command."""
    signal_number, parent, user, *command = sys.argv[1:]
    os.setsid()
    try:
        if user != "-":
            become(user)
        # After the change of user, which clears it (prctl(2)).
        die_with_parent(int(signal_number), int(parent))
        os.execv(command[0], command)  # noqa: S606  our own command, no shell
    except OSError as error:
        print(f"cannot launch {command[0]}: {error}", file=sys.stderr)  # noqa: T201  no log yet
        sys.exit(EXIT_CANNOT_LAUNCH)


if __name__ == "__main__":
    main()
