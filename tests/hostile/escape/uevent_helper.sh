# attempt: Names a program that the kernel runs as root for each event of a device, and causes one.
# known-from: technique: /sys/kernel/uevent_helper in privileged containers
# held-by: mounts
# must: held
# needs: drop
# control: policy filesystem: {/sys/kernel: {from: $ESCAPE_DROP, mode: rw}}
if echo "$PWD/helper" >/sys/kernel/uevent_helper; then
    echo change >/sys/class/mem/null/uevent
    echo "escaped: $(cat /sys/kernel/uevent_helper)"
else
    echo "held: of /sys there are" /sys/*
fi 2>/dev/null
