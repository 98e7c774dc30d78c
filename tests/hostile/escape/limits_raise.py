# attempt: Raises its own limits of files, softly and hard, by setrlimit and prlimit64, for itself and for a child.
# known-from: technique: a limit that was set soft only is the program's to raise
# held-by: limits, capabilities
# must: held
# control: policy limits: {open_files: 4096, file_size: 4GiB}
import os
import resource

WANTED = {resource.RLIMIT_NOFILE: 4096, resource.RLIMIT_FSIZE: 4 << 30}
child = os.fork()
if child == 0:
    os.read(os.pipe()[0], 1)
raised, answers = [], set()
for what, value in WANTED.items():
    for whose in (0, os.getpid(), child):
        for pair in ((value, value), (value, resource.getrlimit(what)[1]), (resource.RLIM_INFINITY,) * 2):
            try:
                resource.prlimit(whose, what, pair)
                raised.append(pair)
            except (OSError, ValueError) as error:
                answers.add(str(error))
os.kill(child, 9)
print(f"escaped: {raised}" if raised else f"held: {sorted(answers)}")
