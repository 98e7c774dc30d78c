# attempt: Gives a program of the host a second name in the caller's directory, to be changed or started from there.
# known-from: hard links to set-uid programs, which keep an old hole alive after its update
# held-by: mounts
# must: held
# needs: workspace
# control: bare root
import os

name = os.environ["ESCAPE_WORKSPACE"] + "/link"
try:
    os.link("/usr/bin/env", name)
    found = os.stat(name)
    os.unlink(name)
    print(f"escaped: /usr/bin/env has {found.st_nlink} names")
except OSError as error:
    print(f"held: {error.strerror}")
