# attempt: Goes down through thousands of folders, further than any path reaches: 28 is ENOSPC.
# clause: limits.scratch_files
# limits: scratch_files=200 wall_time=20s
# takes: 5000 folders
# control: scratch_files=20000
# expect mount: nonzero-exit - 28 hits=scratch_files -- a file system that is full says so, and the job goes on
# expect sampler: scratch-limit limits.scratch_files SIGKILL -- one that has no bound on files can only be counted
import os
import sys
import time

for _ in range(5000):
    try:
        os.mkdir("d")
    except OSError as error:
        sys.exit(error.errno)
    os.chdir("d")
time.sleep(0.8 * float(sys.argv[1]))
