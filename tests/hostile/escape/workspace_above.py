# attempt: Reads a file beside the caller's directory: by `..`, by a link that it leaves there, and by renaming it away.
# known-from: CVE-2019-14271, CVE-2018-15664: what is inside names a path, and who is outside follows it
# held-by: mounts
# must: held
# needs: workspace secret
# control: bare
import os

place, secret = os.environ["ESCAPE_WORKSPACE"], os.environ["ESCAPE_SECRET"]
os.chdir(place)
seen = []
for path in (
    "../secret",
    f"{place}/../secret",
    f"/proc/self/cwd/../{os.path.basename(secret)}",
    "link",
    "moved/secret",
):
    try:
        if path == "link":
            os.symlink(secret, path)
        if path.startswith("moved"):
            os.rename(place, f"{place}-moved")
        with open(path) as file:
            print(f"escaped: {path}: {file.read().strip()}")
            break
    except OSError as error:
        seen.append(error.strerror)
else:
    print("held:", ", ".join(seen))
