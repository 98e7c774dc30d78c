"""The words that a Plan leaves open, and the fds of the jailer: known to whoever renders and to the run.

A slot is a word between NUL bytes. No argument and no policy value can hold one, so none can be forged,
and `str.replace` fills it.
"""

from posixpath import splitext

SCRATCH = "\0scratch\0"  # the job's directory, as the job sees it
HOST_SCRATCH = "\0host-scratch\0"  # the same as the jailer sees it, where that is a directory of the host
UID = "\0uid\0"  # the job's account
GID = "\0gid\0"
BOOT_ID = "\0boot-id\0"  # made up for the job, as the kernel writes one
FILE = "\0file\0"  # the name of the job's program below scratch
STEM = "\0file.stem\0"  # the same without its extension: what Java calls the class, and a compiler what it makes

VALUE_VARIABLE = "SANDBOX_VALUE"  # tells the job where to write the value that it gives back
VALUE_FILE = ".sandbox-value"  # below scratch

CONTROL_FD = 3  # in the jailer: the socket to the supervisor
LAUNCHER_FD = 4  # the launcher, executed as /proc/self/fd/4
DATA_FD = 5  # the plan's data[0]; data[i] is on DATA_FD + i


def of_file(name: str) -> dict[str, str]:
    """What the name of the job's program fills."""
    return {FILE: as_word(name), STEM: splitext(name)[0]}


def boot_id(random: bytes) -> str:
    """16 random bytes as the kernel writes a UUID of version 4."""
    digits = random.hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def as_word(name: str) -> str:
    """A file below scratch as an argument: - would begin an option, @ a file of options, ~ somebody's home."""
    return f"./{name}" if name.startswith(("-", "@", "~")) else name
