"""The rules of `policy check`: data. Their ids are written into policies and into baselines: none is ever renamed."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")  # the gravest first


class Rule(NamedTuple):
    """`why` it matters and what to do (`fix`), a sentence each. `here`: it depends on the machine that checks."""

    severity: Severity
    why: str
    fix: str
    here: bool = False


INVALID = "invalid"
UNUSED = "silence-unused"
SECRET = "secret-in-environment"  # noqa: S105 (a rule's id)

RULES: dict[str, Rule] = {
    INVALID: Rule(
        "error",
        "The policy can't be loaded, so that no job can run under it.",
        "Do what the hint says.",
    ),
    # What is visible of the host
    "whole-root-visible": Rule(
        "error",
        "Everything that the job's account may read on the host is there to be read, whoever's it is.",
        "Name the folders that the program needs, one by one.",
    ),
    "home-visible": Rule(
        "error",
        "A home holds keys, tokens, histories and start-up files.",
        "Show the one folder below it that the program needs, or hand files in with `-f` and `-C`.",
    ),
    "kernel-files-visible": Rule(
        "error",
        "The host's /proc and /sys tell of every process and device, and some of their files change the kernel.",
        "Leave it out: a job has a /proc of its own.",
    ),
    "device-visible": Rule(
        "error",
        "A device leads past the file system to the hardware and to drivers that few have looked at.",
        "Leave it out: a minimal /dev is always there.",
    ),
    "socket-visible": Rule(
        "error",
        "Who can write to the socket of a service has that service act for it, outside of every jail: docker's gives "
        "root, D-Bus and X11 the session, an agent its keys.",
        "Leave it out, or show single files of that folder that are no sockets.",
    ),
    "secrets-visible": Rule(
        "error",
        "Keys, passwords or tokens are kept there.",
        "Leave it out, and give the job a credential of its own with `-e` or `-f`, if it needs one.",
    ),
    "system-folder-visible": Rule(
        "warning",
        "The folder holds much that no program needs: accounts, settings, logs or other services' data.",
        "Show the files below it that the program needs.",
    ),
    "writable-host-path": Rule(
        "warning",
        "What a job writes there stays, and the next job or a person may trust it.",
        "Show it `ro`, let the job write to scratch, and collect what it leaves.",
    ),
    "writable-and-executable": Rule(
        "warning",
        "A job can leave programs there for the host, or for the next job, to run.",
        "Show it `ro`, or say `noexec: true`.",
    ),
    "mount-hidden": Rule(
        "warning",
        "The mount is never seen: what stands above or beside it takes its place.",
        "Remove one of the two.",
    ),
    "mount-redundant": Rule(
        "note",
        "The mount above shows the same already, in the same way: a reader looks for a difference that is not there.",
        "Remove the line.",
    ),
    # Network, system calls
    "network-host": Rule(
        "warning",
        "The job reaches whatever this host reaches: its own services, the cloud's metadata, sockets without a file.",
        "Say `network: none`, and hand in what the job needs.",
    ),
    "never-held": Rule(
        "error",
        "No backend can hold the clause on any machine yet: every job is refused.",
        "Say `network: none`, or `network: host` and why.",
    ),
    "filter-off": Rule(
        "error",
        "Only what is closed under every policy is filtered: most of the kernel that has been a way out is open.",
        'Say `deny: ["@default-deny"]`.',
    ),
    "filter-only-logs": Rule(
        "error",
        "Nothing of the list is refused: the kernel's log has a line for it, and the call is made.",
        "Say `action: errno`, or `kill`, when the calls of your program are known.",
    ),
    "dangerous-calls": Rule(
        "error",
        "The calls change mounts, look into other processes or turn to the machine itself; ways out were made of them.",
        "Deny them: of a list `allow` take them out, to a list `deny` add @default-deny.",
    ),
    "calls-beyond-default": Rule(
        "warning",
        "@default-deny refuses the calls for a reason, each of which stands in docs/filter.md.",
        "To a list `deny` add @default-deny; beside a list `allow` refuse them under `rules`.",
    ),
    # Limits and requirements
    "limit-missing": Rule(
        "warning",
        "One job can take all that the machine has of it.",
        "Give it a default and a max, or extend `_base`, which has one for each.",
    ),
    "limit-without-maximum": Rule(
        "warning",
        "Whoever starts a job can ask for any amount with `--limit`.",
        "Give it a `max`.",
    ),
    "isolation-not-required": Rule(
        "error",
        "A job would run where the jailer can't hold what makes it a jail.",
        "Remove the line: strict is the default.",
    ),
    "limit-not-required": Rule(
        "warning",
        "A job would run where the limit is held worse than by default.",
        "Remove the line, or lower it for one run with `--best-effort`.",
    ),
    "requirement-below-host": Rule(
        "note",
        "This host holds the clause better than the policy asks: nobody would notice if that got lost.",
        "Require what this host gives.",
        here=True,
    ),
    "not-held-here": Rule(
        "warning",
        "No jailer of this host holds the clause as the policy requires: every job is refused here.",
        "`sandbox doctor` says what would help; else require less.",
        here=True,
    ),
    "mount-refused-here": Rule(
        "warning",
        "This host can't show what the mount names, so that every job is refused here.",
        "Say `optional: true`, or name another path.",
        here=True,
    ),
    "beyond-ceiling-here": Rule(
        "warning",
        "The ceiling of this machine refuses what the policy grants: every job is refused here.",
        "Grant less, or have whoever keeps the ceiling raise it.",
        here=True,
    ),
    # Environment
    SECRET: Rule(
        "warning",
        "A policy is read by many and kept for ever, and each job can print its environment.",
        "Take it out, and give it to the one job with `-e NAME`.",
    ),
    "code-from-writable-place": Rule(
        "warning",
        "The loader or interpreter takes code from where a job, or who hands files in, can put some.",
        "Name folders that are shown `ro` only.",
    ),
    # The policy as a text
    "dead-override": Rule(
        "note",
        "It says what is inherited already: when the base is tightened, it silently keeps the old value.",
        "Remove the line.",
    ),
    "selftest-missing": Rule(
        "note",
        "Nobody can tell whether the language still runs under the policy.",
        "Give `language.selftest` a source and its stdout.",
    ),
    "extends-outside": Rule(
        "warning",
        "What it rests on is not reviewed, moved or locked together with it.",
        "Copy the base beside it, or name one that is installed.",
    ),
    "file-writable-by-all": Rule(
        "warning",
        "Every account of this machine can change what the policy allows.",
        "Close it: chmod o-w.",
        here=True,
    ),
    UNUSED: Rule(
        "note",
        "What it silenced is gone: the next finding of that kind would be silenced unseen.",
        "Remove the line.",
    ),
}

NEVER_SILENCED = (INVALID, UNUSED)


def at_or_over(severity: Severity, least: Severity) -> bool:
    return SEVERITIES.index(severity) <= SEVERITIES.index(least)
