# attempt: Opens every device that can be named and is none of those that programs need.
# known-from: technique: devices left in a container's /dev, as /dev/kmsg, /dev/fuse, /dev/kvm, /dev/mem and disks
# held-by: mounts, jailer
# must: held
# control: bare
import errno
import os
import stat

HARMLESS = {(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2)}  # null zero full random urandom tty ptmx
NAMES = (
    "kmsg mem port kcore sda sdb vda nvme0n1 fuse kvm net/tun loop-control loop0 loop7 userfaultfd vsock hwrng "
    "tty0 tty1 console ttyS0 vcs vcsa mapper/control btrfs-control autofs cpu_dma_latency vga_arbiter uinput uhid "
    "rfkill input/event0 dri/card0 dri/renderD128 snd/timer video0 vhost-vsock vhost-net zram0 ram0 nvram rtc "
    "rtc0 watchdog hpet snapshot log initctl"
)
paths = {f"/dev/{name}" for name in NAMES.split()}
for folder, _, names in os.walk("/dev"):
    if not folder.startswith(("/dev/fd", "/dev/pts", "/dev/shm")):
        paths |= {f"{folder}/{name}" for name in names}
opened, answers = [], set()
for path in sorted(paths):
    for way in (os.O_RDWR, os.O_RDONLY):
        try:
            if not os.path.exists(path):
                answers.add("ENOENT")
                break
            fd = os.open(path, way | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            answers.add(errno.errorcode[error.errno])
            continue
        found = os.fstat(fd)
        device = (os.major(found.st_rdev), os.minor(found.st_rdev))
        if stat.S_ISBLK(found.st_mode) or (stat.S_ISCHR(found.st_mode) and device not in HARMLESS):
            opened.append(path)
        os.close(fd)
        break
print(f"escaped: opened {opened}" if opened else f"held: {sorted(answers)} for {len(paths)} names")
