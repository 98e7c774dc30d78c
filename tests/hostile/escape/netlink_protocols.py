# attempt: Opens a netlink socket of every protocol but that of the routing tables, and joins its groups.
# known-from: CVE-2017-7184 (xfrm); technique: the connector tells of every process of the host, uevents of its devices
# held-by: filter
# must: held
# control: weak no-filter
import errno
import socket

NETLINK_ROUTE, NAMES = (
    0,
    {2: "usersock", 4: "sock_diag", 6: "xfrm", 9: "audit", 11: "connector", 12: "netfilter", 15: "uevent"},
)
opened, answers = set(), set()
for protocol in range(32):
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
        if protocol == NETLINK_ROUTE:
            continue
        try:
            with socket.socket(socket.AF_NETLINK, kind, protocol) as netlink:
                netlink.bind((0, 0))
                opened.add(NAMES.get(protocol, str(protocol)))
        except OSError as error:
            answers.add(errno.errorcode[error.errno])
print(f"escaped: {sorted(opened)}" if opened else f"held: {sorted(answers)}")
