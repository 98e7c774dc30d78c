# attempt: Reads the names and arguments of the host's processes, which may hold passwords.
# known-from: technique: a container that shares the host's process namespace
# held-by: pid namespace
# must: held
# needs: victim
# control: weak host-pid
if text=$(tr '\0' ' ' <"/proc/$ESCAPE_PID/cmdline"); then
    echo "escaped: $text"
else
    echo "held: of /proc/PID there are" /proc/[0-9]*
fi 2>/dev/null
