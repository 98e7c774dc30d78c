# attempt: Closes every fd that it has, and sleeps past its time.
# clause: limits.wall_time
# limits: wall_time=600ms
# takes: 1.5 s
# control: wall_time=20s
# expect: wall-time-limit limits.wall_time SIGKILL
import os
import sys
import time

os.closerange(0, 4096)
time.sleep(1.5 * float(sys.argv[1]))
os._exit(0)
