# attempt: Opens, to be written, each file that names a program which the kernel starts as root on the host.
# known-from: technique: core_pattern, uevent_helper, modprobe, binfmt_misc and poweroff_cmd where /proc or /sys is
#     writable; CVE-2025-31133 (runc) led there
# held-by: mounts, account, jailer
# must: held
# control: bare root
import errno
import os

FILES = (
    "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/poweroff_cmd",
    "/proc/sys/kernel/hotplug", "/proc/sys/kernel/usermodehelper/bset", "/proc/sys/kernel/core_pipe_limit",
    "/proc/sys/fs/binfmt_misc/register", "/sys/kernel/uevent_helper", "/sys/kernel/kexec_crash_size",
    "/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/sysrq",
)  # fmt: skip
opened, answers = [], set()
for path in FILES:
    for spelled in (path, f"/proc/1/root{path}", path.replace("/proc/", "/proc/self/root/proc/")):
        try:
            os.close(os.open(spelled, os.O_WRONLY))
            opened.append(spelled)
        except OSError as error:
            answers.add(errno.errorcode[error.errno])
print(f"escaped: {opened[:3]} can be written" if opened else f"held: {sorted(answers)}")
