"""A program as a stranger might send it: it computes something, and tries a few things that are none of its business.

Each attempt only opens the door: run without a sandbox, this changes nothing but the file it writes.
"""

import os
import socket
from pathlib import Path


def attempt(what, action):
    try:
        action()
    except OSError as error:
        print(f"  {what:36} {error.strerror or error}")
    else:
        print(f"  {what:36} it worked!")


primes = [number for number in range(2, 8000) if all(number % divisor for divisor in range(2, int(number**0.5) + 1))]
Path("primes.txt").write_text("\n".join(map(str, primes)))
print(f"The {len(primes)}th prime is {primes[-1]}; all of them are in {Path('primes.txt').resolve()}.")
print(f"I am uid {os.getuid()} on {socket.gethostname()}, and this is what happens when I try to")
attempt("read the password hashes", lambda: Path("/etc/shadow").read_text())
attempt("look into people's homes", lambda: os.listdir("/home"))
attempt("open a system program for writing", lambda: os.close(os.open("/usr/bin/env", os.O_WRONLY)))
attempt("reach the network", lambda: socket.create_connection(("192.0.2.1", 80), timeout=2))
