# attempt: Opens, to be written, the file that names a program which the kernel runs as root for each event of a device,
#     and the file by which a device is made to have one.
# known-from: technique: /sys/kernel/uevent_helper in privileged containers
# held-by: mounts
# must: held
# control: bare root
opened=
for file in /sys/kernel/uevent_helper /sys/class/mem/null/uevent; do
    if (: >>"$file"); then opened="$opened $file"; fi
done 2>/dev/null
if [ -n "$opened" ]; then
    echo "escaped:$opened"
else
    echo "held: of /sys there are" /sys/*
fi
