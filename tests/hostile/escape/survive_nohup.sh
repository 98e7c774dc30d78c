# attempt: Lives on as a shell in the background, in a session of its own, deaf to the signals that end one.
# known-from: nohup and setsid, in every installer that leaves a daemon behind
# held-by: launcher, pid namespace
# must: held
# control: bare
mkfifo life ready 2>/dev/null || cd /tmp && mkfifo life ready 2>/dev/null
setsid sh -c '
    trap "" HUP INT TERM QUIT USR1 USR2 PIPE TSTP TTIN TTOU
    exec <life 3>&-
    echo >ready
    cat
    sleep 0.4
    echo "escaped: the shell $$ goes on after the program"
' 3>&- &
exec 3>life
read -r _ <ready
rm -f life ready
echo "held: the program ends here"
