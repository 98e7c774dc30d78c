# attempt: Makes a hard link to a file that is shown read-only where it may write, to change it through that name.
# known-from: technique: hard links to files of others
# held-by: mounts, account
# must: held
# needs: workspace
# control: bare root
import os

why = ""
for source in "/usr/bin/env", "/etc/passwd", "/proc/self/exe":
    for folder in ".", os.environ["HOME"], "/tmp", "/dev/shm":
        try:
            os.link(source, f"{folder}/link", follow_symlinks=True)
            os.unlink(f"{folder}/link")
            print(f"escaped: {source} is in {folder}, too")
            raise SystemExit
        except OSError as error:
            why = error.strerror
print(f"held: {why}")
