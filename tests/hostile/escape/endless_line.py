# attempt: Writes a line without end, which whoever reads line by line would have to hold in memory.
# known-from: readline() on what a program says, in most harnesses that run one
# held-by: supervisor
# must: output-limit
# control: policy limits: {output: 8MiB}
import os

for _ in range(64):
    os.write(2, b"\x1b]0;" + b"x" * 65532)
print("escaped: 4 MiB of one line")
