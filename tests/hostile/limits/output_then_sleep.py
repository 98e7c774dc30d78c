# attempt: Writes a little more than it may, and sleeps.
# clause: limits.output
# limits: output=64KiB wall_time=20s
# takes: 65 KiB and 1 s
# control: output=16MiB
# expect: output-limit limits.output SIGKILL
import os
import sys
import time

for _ in range(65):
    os.write(1, bytes(1024))
time.sleep(float(sys.argv[1]))
