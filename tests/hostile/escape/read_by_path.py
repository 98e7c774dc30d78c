# attempt: Reads a host file that everybody may read, by its own path.
# known-from: technique: the plainest there is
# held-by: mounts
# must: held
# needs: secret
# control: policy filesystem: {$ESCAPE_SECRET: ro}
import os

try:
    with open(os.environ["ESCAPE_SECRET"]) as file:
        print(f"escaped: {file.read().strip()}")
except OSError as error:
    print(f"held: {error.strerror}")
