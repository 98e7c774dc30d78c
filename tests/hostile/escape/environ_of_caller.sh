# attempt: Looks for a password in the environment that it was started with, and in that of its parents.
# known-from: technique: keys of CI systems and agents, handed on to whatever they run
# held-by: launcher
# must: held
# needs: environ
# control: bare
if found=$(cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -m 1 '^PASSWORD='); then
    echo "escaped: $found"
else
    echo "held: $(env | wc -l) variables, none of them"
fi
