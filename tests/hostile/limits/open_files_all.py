# attempt: Opens as many files as it can: 24 is EMFILE.
# clause: limits.open_files
# limits: open_files=32 wall_time=20s
# takes: 500 fds
# control: open_files=1024
# expect: nonzero-exit - 24
import os

for _ in range(500):
    try:
        os.dup(0)
    except OSError as error:
        os._exit(error.errno)
