# attempt: Becomes root, takes root's groups, gives a file to root, and asks for all capabilities, by every call for it.
# known-from: technique: whatever a jailer forgot to drop is taken back first
# held-by: user namespace, capabilities, account
# must: held
# control: bare root
import ctypes
import errno
import os
import struct

CAPSET, VERSION_3 = {"x86_64": 126, "aarch64": 91}[os.uname().machine], 0x20080522
PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_CAP_AMBIENT, RAISE, CAP_SYS_ADMIN = 24, 28, 47, 2, 21
libc = ctypes.CDLL(None, use_errno=True)


def called(result):
    if result:
        raise OSError(ctypes.get_errno(), "")


def capset():
    sets = struct.pack("=6I", *[1 << CAP_SYS_ADMIN] * 3, 0, 0, 0)
    called(libc.syscall(CAPSET, struct.pack("=Ii", VERSION_3, 0), sets))


open("file", "w").close()
ACTS = {
    "setgroups": lambda: os.setgroups([0]),
    "setresgid": lambda: os.setresgid(0, 0, 0),
    "setgid": lambda: os.setgid(0),
    "setresuid": lambda: os.setresuid(0, 0, 0),
    "setuid": lambda: os.setuid(0),
    "seteuid": lambda: os.seteuid(0),
    "chown": lambda: os.chown("file", 0, 0),
    "capset": capset,
    "ambient": lambda: called(libc.prctl(PR_CAP_AMBIENT, RAISE, CAP_SYS_ADMIN, 0, 0)),
    "securebits": lambda: called(libc.prctl(PR_SET_SECUREBITS, 0x2F, 0, 0, 0)),
    "bounding set": lambda: called(libc.prctl(PR_CAPBSET_DROP, 0, 0, 0, 0)),
}
done, answers = [], set()
for name, act in ACTS.items():
    try:
        act()
        done.append(name)
    except OSError as error:
        answers.add(errno.errorcode[error.errno])
print(f"escaped: {done}" if done else f"held: {sorted(answers)} of {len(ACTS)}")
