# attempt: Reaches the address that a cloud keeps its credentials at, other networks and hosts by their names.
# known-from: technique: 169.254.169.254 from code of strangers, as in the breach of Capital One in 2019
# held-by: network namespace
# must: held
# control: policy network: host
import errno
import socket

PLACES = [
    "169.254.169.254",
    "169.254.170.2",
    "10.0.0.1",
    "192.168.0.1",
    "1.1.1.1",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "2606:4700::1111",
]
routes, answers = [], set()
for place in PLACES:
    family, address = socket.AF_INET6 if ":" in place else socket.AF_INET, (place, 80)
    with socket.socket(family, socket.SOCK_DGRAM) as udp:  # connecting it asks for a route, and sends nothing
        try:
            udp.connect(address)
            routes.append(f"{place} from {udp.getsockname()[0]}")
        except OSError as error:
            answers.add(errno.errorcode[error.errno])
    with socket.socket(family, socket.SOCK_STREAM) as tcp:
        tcp.setblocking(False)
        code = tcp.connect_ex(address)
        if code == errno.EINPROGRESS:
            routes.append(f"{place} by TCP")
        else:
            answers.add(errno.errorcode[code])
print(f"escaped: {routes[:3]}" if routes else f"held: {sorted(answers)}")
