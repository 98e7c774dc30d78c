# attempt: Reads the kernel's log by syslog(2), /dev/kmsg and /proc/kmsg: it tells of other processes, and of addresses.
# known-from: technique: dmesg in a container, where the log is the host's
# held-by: filter, mounts, account
# must: held
# control: bare root
import ctypes
import errno
import os

SYSLOG_ACTION_READ_ALL, SYSLOG_ACTION_SIZE_BUFFER = 3, 10
libc = ctypes.CDLL(None, use_errno=True)

answers = []
text = ctypes.create_string_buffer(1 << 16)
count = libc.klogctl(SYSLOG_ACTION_READ_ALL, text, len(text))
answers.append(errno.errorcode[ctypes.get_errno()] if count < 0 else f"{count} bytes")
size = libc.klogctl(SYSLOG_ACTION_SIZE_BUFFER, None, 0)
answers.append(errno.errorcode[ctypes.get_errno()] if size < 0 else f"a buffer of {size}")
opened = []
for path in ("/dev/kmsg", "/proc/kmsg"):
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        opened.append(path)
    except OSError as error:
        answers.append(errno.errorcode[error.errno])
print(f"{'escaped' if max(count, size) >= 0 or opened else 'held'}: {answers} {opened}")
