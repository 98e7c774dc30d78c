# attempt: Connects to a service on the host's loopback by every way of writing that address.
# known-from: technique: services that trust 127.0.0.1; 0.0.0.0 past a check as in the browsers' "0.0.0.0 day" of 2024
# held-by: network namespace
# must: held
# control: policy network: host
# needs: tcp
import errno
import os
import socket

PLACES = [
    "127.0.0.1",
    "localhost",
    "::1",
    "0.0.0.0",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:0.0.0.0",
    "127.0.1.1",
    "127.1",
]
answers, heard = set(), {}
for place in PLACES:
    try:
        found = socket.getaddrinfo(place, int(os.environ["ESCAPE_PORT"]), type=socket.SOCK_STREAM)
    except OSError as error:
        answers.add(str(error))
        continue
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as tcp:
            tcp.settimeout(2)
            try:
                tcp.connect(address)
                heard[place] = tcp.recv(100).decode()
            except OSError as error:
                answers.add(errno.errorcode.get(error.errno, "timeout"))
print(f"escaped: {heard}" if heard else f"held: {sorted(answers)}")
