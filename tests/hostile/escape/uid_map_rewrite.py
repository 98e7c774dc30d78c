# attempt: Maps root of the host, or more accounts, into its user namespace, and allows setgroups again.
# known-from: CVE-2018-18955 (map_write), CVE-2014-8989 (setgroups drops the groups that keep one out)
# held-by: user namespace, filter
# must: held
# control: bare
import ctypes
import errno
import os

CLONE_NEWUSER = 0x10000000
libc = ctypes.CDLL(None, use_errno=True)

me, group = os.getuid(), os.getgid()
apart = libc.unshare(CLONE_NEWUSER)
TEXTS = (f"0 {me} 1", "0 0 1", f"{me} {me} 1", "0 0 4294967295", f"0 0 1\n{me} {me} 1")
done, answers = [], set()
for process in ("self", "1", str(os.getppid())):
    for name, texts in (("setgroups", ("allow", "deny")), ("uid_map", TEXTS), ("gid_map", (f"0 {group} 1", *TEXTS))):
        for text in texts:
            try:
                with open(f"/proc/{process}/{name}", "w") as file:
                    file.write(text)
                done.append(f"{process} {name} {text}")
            except OSError as error:
                answers.add(errno.errorcode[error.errno])
print(f"escaped: {done}" if done else f"held: unshare {apart}, {sorted(answers)}")
