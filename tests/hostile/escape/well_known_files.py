# attempt: Collects keys, tokens, histories and accounts of the host from where they are on every machine.
# known-from: technique: what malicious packages take first, as those of PyPI and npm
# held-by: mounts, account
# must: held
# control: weak host-root-visible
import glob
import os
import pwd

HOMES = {"/root", "/home/*", "/var/lib/*", os.environ.get("HOME", "/"), pwd.getpwuid(os.getuid()).pw_dir}
OF_A_HOME = (
    ".ssh/id_* .ssh/known_hosts .aws/credentials .netrc .npmrc .pypirc .git-credentials .kube/config .bash_history"
)
OF_A_HOST = (
    "/etc/shadow /etc/sudoers /etc/ssh/ssh_host_*_key /etc/fstab /etc/hostname /etc/debian_version /etc/resolv.conf "
    "/etc/krb5.keytab /etc/sandbox/*.yaml /var/log/* /var/lib/dpkg/status /var/spool/cron/* /boot/config-* "
    "/proc/1/environ /run/secrets/kubernetes.io/serviceaccount/token /sys/class/dmi/id/* /sys/class/net/*/address"
)
places = [f"{root}{path}" for root in ("", "/proc/1/root") for path in OF_A_HOST.split()]
places += [f"{home}/{name}" for home in HOMES for name in [*OF_A_HOME.split(), ".bashrc", ".profile"]]
read = []
for path in (found for place in places for found in glob.glob(place)):
    try:
        with open(path, "rb") as file:
            read += [path] * bool(file.read(100))
    except OSError:
        pass
print(f"escaped: {len(read)} files, as {read[:4]}" if read else f"held: nothing at {len(places)} places")
