# attempt: Learns the host's name and domain, by uname, /proc/sys, the files of /etc and a lookup of its own address.
# known-from: technique: names of hosts tell a stranger whose machine it is, and what else is near
# held-by: uts namespace, mounts
# must: held
# control: weak host-uts
import os
import socket

names = {os.uname().nodename, socket.gethostname(), socket.getfqdn()}
for path in ("/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname", "/etc/hostname", "/etc/mailname"):
    try:
        with open(path) as file:
            names.add(file.read().strip())
    except OSError:
        pass
strange = names - {"sandbox", "localhost", "(none)", ""}
print(f"escaped: {sorted(strange)}" if strange else f"held: {sorted(names)}")
