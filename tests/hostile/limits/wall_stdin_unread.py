# attempt: Never reads what it is sent, past its time.
# clause: limits.wall_time
# limits: wall_time=600ms
# stdin: 64MiB
# takes: 1.5 s
# control: wall_time=20s
# expect: wall-time-limit limits.wall_time SIGKILL
import sys
import time

time.sleep(1.5 * float(sys.argv[1]))
