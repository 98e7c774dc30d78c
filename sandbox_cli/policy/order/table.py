"""The order in words, by clause or what a clause begins with: data, which the page on clauses shows."""

from __future__ import annotations

ORDER: dict[str, str] = {
    "description": "Permits nothing: another text is equal.",
    "language": "Its words permit nothing: what they run runs in the same jail. Another one is equal.",
    "language.runtime": (
        "Decides which interpreter is found, and what of the host is shown for it: another one is incomparable, but "
        "for `package`, which is a hint."
    ),
    "language.compile": "A compile step is looser than none: one more program runs, with time of its own.",
    "language.compile.limits": (
        "More is looser, of `default` and of `max`. What the step has no limit for is bounded by the job's."
    ),
    "limits": "More is looser, of `default` and of `max`, each by itself; not bounded is loosest.",
    "filesystem": (
        "By what is seen at each path that is a mount point on either side: nothing, then `ro`, then `rw`; `noexec`, "
        "then without; one that must be there, then `optional`. Another folder of the host, a tmpfs and a symbolic "
        "link are incomparable to each other. A folder shows all that is in it: /usr is looser than /usr/lib, unless a "
        "mount below hides a part, which then counts at its own path. It is over what is written: which of the "
        "host's files are links is not looked at."
    ),
    "network": "`none`, then lists by the hosts they name, then `host`.",
    "syscalls": (
        "By the answer to each call with each arguments, of the list, the rules and what holds under every policy: "
        "ending the program, then an error, then logging, then letting through. Where one answers one call better and "
        "another worse, they are incomparable. Calls go by their names, on whichever machine. `network: host` lets a "
        "few calls through that a network of the job's own closes: both are told."
    ),
    "workspace": "`none`, then `ro`, then `rw`.",
    "environment": (
        "A variable more is looser, since a program learns something; another value is incomparable. HOME, LANG and "
        "PATH are set in every jail: to say them, or not to, is another value."
    ),
    "artifacts.collect": "More patterns are looser, and `**` is loosest; others are compared as they are written.",
    "artifacts.max_files": "More is looser.",
    "artifacts.max_bytes": "More is looser.",
    "require": (
        "A lower level is looser, since jobs then run where less is held: `strict`, then `sampled`, `process`, `none`. "
        "It is compared by what is required of each clause in the end, the defaults included."
    ),
}
