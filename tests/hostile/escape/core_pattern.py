# attempt: Names a program that the kernel would run as root on the host: for a core dump, a module, a shutdown.
# known-from: CVE-2022-0811 (cr8escape), kernel.core_pattern through CRI-O
# held-by: mounts, user namespace, account
# must: held
# control: bare root
import os

PATHS = (
    "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hotplug",
    "/proc/sys/kernel/poweroff_cmd", "/proc/sys/kernel/usermodehelper/bset", "/proc/sys/fs/binfmt_misc/register",
    "/sys/kernel/uevent_helper", "/proc/sysrq-trigger", "/proc/sys/kernel/core_pipe_limit",
)  # fmt: skip
opened, why = [], ""
for path in PATHS:
    try:
        os.close(os.open(path, os.O_WRONLY))
        opened.append(path)
    except OSError as error:
        why = error.strerror
print(f"escaped: {' '.join(opened)} may be written" if opened else f"held: {why}")
