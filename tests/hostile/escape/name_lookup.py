# attempt: Asks a name server, by UDP and TCP, those that the host asks and public ones: a way out for data.
# known-from: technique: data in the names of DNS queries leaves networks that let nothing else out
# held-by: network namespace, mounts
# must: held
# control: policy network: host
import errno
import socket
import struct

QUERY = struct.pack(">HHHHHH", 1, 0x100, 1, 0, 0, 0) + b"\x06escape\x07invalid\0" + struct.pack(">HH", 1, 1)
servers = {"127.0.0.53", "8.8.8.8", "192.0.2.53", "::1"}
try:
    with open("/etc/resolv.conf") as file:
        servers |= {line.split()[1] for line in file if line.startswith("nameserver")}
except OSError:
    pass
sent, answers = [], set()
for server in sorted(servers):
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    if server in {"127.0.0.53", "::1"}:  # a resolver of the host's own answers, or there is none
        with socket.socket(family, socket.SOCK_DGRAM) as udp:
            udp.settimeout(0.3)
            try:
                udp.connect((server, 53))
                udp.send(QUERY)
                sent.append(f"{server} says {udp.recv(100)!r}")
            except OSError as error:
                answers.add(errno.errorcode.get(error.errno, "timeout"))
        continue
    with socket.socket(family, socket.SOCK_DGRAM) as udp:
        try:
            udp.sendto(QUERY, (server, 53))
            sent.append(f"a query to {server}")
        except OSError as error:
            answers.add(errno.errorcode[error.errno])
    with socket.socket(family, socket.SOCK_STREAM) as tcp:
        tcp.setblocking(False)
        code = tcp.connect_ex((server, 53))
        if code == errno.EINPROGRESS:
            sent.append(f"{server} by TCP")
        else:
            answers.add(errno.errorcode[code])
try:
    answers.add(f"getaddrinfo {socket.getaddrinfo('escape.invalid', 80)}")
except OSError as error:
    answers.add(str(error))
print(f"escaped: {sent}" if sent else f"held: {sorted(answers)}")
