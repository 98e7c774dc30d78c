# attempt: Reads a host file through links: its own, /proc/self/root and /proc/thread-self/cwd with as many `..` as it takes.
# known-from: technique: links; CVE-2018-15664 (docker cp) followed one of the container's
# held-by: mounts
# must: held
# needs: secret
# control: policy filesystem: {$ESCAPE_SECRET: ro}
up=/../../../../../../../../..
ln -s "$ESCAPE_SECRET" direct
ln -s "/proc/self/root$up$ESCAPE_SECRET" root
ln -s "/proc/thread-self/cwd$up$ESCAPE_SECRET" cwd
ln -s root chain
for link in direct root cwd chain /proc/self/cwd/chain "/dev/fd/..$up$ESCAPE_SECRET"; do
    if text=$(cat "$link" 2>error); then
        echo "escaped: $text"
        exit
    fi
done
echo "held: $(cat error)"
