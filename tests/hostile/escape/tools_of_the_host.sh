# attempt: Gets out with the tools that /usr has anyway: unshare, nsenter, chroot, mount, setpriv, su, bwrap, firejail.
# known-from: technique: living off the land; no exploit, only what an administrator installed
# held-by: filter, no_new_privs, capabilities
# must: held
# control: bare
out=
try() {
    command -v "$1" >/dev/null 2>&1 || return
    said=$("$@" 2>/dev/null </dev/null) || return
    [ "$said" = "uid 0" ] && out="$out $1"
}
who='test "$(id -u)" = 0 && echo uid 0'
try unshare --user --map-root-user --mount sh -c "$who"
try nsenter --target 1 --all sh -c "$who"
try nsenter --target "$PPID" --user --mount --preserve-credentials sh -c "$who"
try chroot --userspec=0:0 / sh -c "$who"
try setpriv --reuid 0 --clear-groups sh -c "$who"
try su root -c "$who"
try sudo -n sh -c "$who"
try pkexec sh -c "$who"
try bwrap --unshare-user --uid 0 --bind / / sh -c "$who"
try nsjail -Mo -q --user 0 --chroot / -- /bin/sh -c "$who"
mount -t tmpfs none /tmp 2>/dev/null && out="$out mount"
umount /tmp 2>/dev/null && out="$out umount"
if [ -n "$out" ]; then echo "escaped: root by$out"; else echo "held: none of them makes it root"; fi
