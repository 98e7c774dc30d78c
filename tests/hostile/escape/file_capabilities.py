# attempt: Gives a copy of a program all capabilities, as file attributes of each version, and starts it.
# known-from: technique: file capabilities instead of a set-uid bit, which CVE-2021-3493 let anybody set
# held-by: capabilities, no_new_privs, mounts
# must: held
# control: weak keep-caps
import errno
import os
import shutil
import struct

shutil.copy("/bin/true", "copy")
answers, given = [], []
for place in ("copy", "/usr/bin/true"):
    for content in (
        struct.pack("<IIIII", 0x02000001, 0xFFFFFFFF, 0, 0x1FF, 0),
        struct.pack("<IIIIII", 0x03000001, 0xFFFFFFFF, 0, 0x1FF, 0, os.getuid()),
    ):
        try:
            os.setxattr(place, "security.capability", content)
            given.append(f"{place} {os.getxattr(place, 'security.capability')[:4].hex()}")
        except OSError as error:
            answers.append(errno.errorcode[error.errno])
print(f"escaped: {given}" if given else f"held: {answers}")
