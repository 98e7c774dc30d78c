# attempt: Reads what the account leaves in its home and in the directories for temporary files.
# known-from: technique: keys in ~/.ssh and ~/.aws, and what other programs of the same account keep in /tmp
# held-by: mounts
# must: held
# needs: strays
# control: bare
import os

why = []
for path in os.environ["ESCAPE_STRAYS"].split(":"):
    try:
        with open(path) as file:
            print(f"escaped: {path}: {file.read()}")
            break
    except OSError as error:
        why.append(error.strerror)
else:
    print(f"held: {why}")
