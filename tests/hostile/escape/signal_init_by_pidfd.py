# attempt: Kills the launcher in the jail by pidfd_send_signal, which a filter can't tell from a harmless one.
# known-from: technique: pidfd_send_signal, whose argument is an fd and no pid
# held-by: pid namespace
# must: held
# must firejail: signalled -- init is not PID 1 there: the job ends with it, and everything else in the jail
# needs: victim
# control: bare
import os
import signal
import time

init = os.getppid()
for pid in int(os.environ["ESCAPE_PID"]), init:
    try:
        signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGKILL)
    except OSError as error:
        print(f"{pid}: {error.strerror}")
    else:
        if pid != init:
            print(f"escaped: killed {pid}")
            raise SystemExit
time.sleep(0.3)
print("held: init lives" if os.getppid() == init else "escaped: init is dead")
