# attempt: Finds interfaces and neighbours beyond the loopback: by their numbers, by all-nodes multicast and broadcast.
# known-from: technique: IPv6 forgotten beside IPv4, as in CVE-2020-13401 (router advertisements from a container)
# held-by: network namespace
# must: held
# control: policy network: host
import errno
import socket

answers, reached = set(), [name for _, name in socket.if_nameindex() if name != "lo"]
with open("/proc/net/if_inet6") as file:
    reached += [line.split()[0] for line in file if line.split()[5] != "lo"]
for number in range(1, 9):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        try:
            udp.connect(("ff02::1", 9, 0, number))
            if socket.if_indextoname(number) != "lo":
                reached.append(f"ff02::1 by interface {number}")
        except OSError as error:
            answers.add(errno.errorcode[error.errno])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    try:
        udp.connect(("255.255.255.255", 9))
        reached.append(f"broadcast from {udp.getsockname()[0]}")
    except OSError as error:
        answers.add(errno.errorcode[error.errno])
print(f"escaped: {reached[:4]}" if reached else f"held: {sorted(answers)}")
