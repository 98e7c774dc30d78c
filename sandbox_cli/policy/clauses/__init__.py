"""What each key of a file means, in words: told by `sandbox policy schema` in editors, and by docs/clauses.md.

An example is a file's own text, which can stand in a policy that extends `python`. `*` is any name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.policy.clauses.about import About
from sandbox_cli.policy.clauses.language import LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICY: Mapping[str, About] = {
    "version": About("The version of this grammar.", "version: 1", "1"),
    "extends": About(
        "What the policy rests on: a policy's name, or the path of a file, which holds a / or ends in .yaml and is "
        "relative to this file; or a list of them. They are merged from left to right, this file last: maps key by "
        "key, a list replaces the inherited one unless its key begins with +, and null takes away what is inherited.",
        "extends: python",
        "nothing",
    ),
    "description": About("One sentence for `sandbox policy list`.", "description: Scripts of our reports.", '""'),
    **LANGUAGE,
    "limits": About(
        "How much a job may use of what. One value is both what it gets and the most that --limit may ask for; a map "
        "has them apart, and `none` is no bound.",
        "limits: {memory: {default: 512MiB, max: 8GiB}, wall_time: 30s, cpus: none}",
    ),
    "limits.wall_time": About(
        "From the program's start to its end.", "limits: {wall_time: {default: 10s, max: 10min}}"
    ),
    "limits.cpu_time": About("CPU time of all its processes together.", "limits: {cpu_time: 10s}"),
    "limits.memory": About(
        "Memory of all its processes together, what they share counted once.",
        "limits: {memory: {default: 512MiB, max: 8GiB}}",
    ),
    "limits.processes": About("Processes and threads at once.", "limits: {processes: 64}"),
    "limits.open_files": About("Open files of each process.", "limits: {open_files: 256}"),
    "limits.file_size": About("The size of each file that it writes.", "limits: {file_size: 64MiB}"),
    "limits.scratch_size": About("The size of scratch, its working directory.", "limits: {scratch_size: 256MiB}"),
    "limits.scratch_files": About("Files and folders in scratch.", "limits: {scratch_files: 10000}"),
    "limits.tmp_size": About(
        "The size of each tmpfs by itself: /tmp, /dev/shm and those of `filesystem`.", "limits: {tmp_size: 64MiB}"
    ),
    "limits.output": About("What it writes to stdout and stderr together.", "limits: {output: 1MiB}"),
    "limits.cpus": About("Cores, also a part of one, from 0.01: 0.5 is half of one.", "limits: {cpus: 0.5}"),
    "limits.*.default": About("What a job gets.", "limits: {memory: {default: 1GiB}}", "not bounded"),
    "limits.*.max": About("The most that --limit may ask for.", "limits: {memory: {max: 1GiB}}", "not bounded"),
    "filesystem": About(
        "What stands where in the jail, and nothing else of the host can be seen. /proc, a small /dev, the host's "
        "links of the root (/bin, /lib), and /etc/passwd, group and hosts of its own are always there.",
        "filesystem: {/usr: ro, /tmp: tmpfs, /srv/data: {from: /srv/reports/data, mode: ro}}",
        "nothing",
    ),
    "filesystem.*": About(
        "An absolute path of the jail. `ro` and `rw` show the host's own path, which must be there, `tmpfs` an empty "
        "folder in memory; a map shows another path of the host, or makes a symbolic link. null takes it away.",
        "filesystem: {/srv/data: ro}",
    ),
    "filesystem.*.from": About(
        "The host's path, absolute; as `/: {from: DIR}` a whole root directory.",
        "filesystem: {/srv/data: {from: /srv/reports/data}}",
        "the same path",
    ),
    "filesystem.*.mode": About(
        "`ro` to read, `rw` to write, too, as far as the files' own modes let the job's account; `tmpfs` as above.",
        "filesystem: {/srv/data: {mode: ro}}",
        "ro",
    ),
    "filesystem.*.noexec": About(
        "No file there can be run as a program, or mapped as one's code.",
        "filesystem: {/tmp: {mode: tmpfs, noexec: true}}",
        "false",
    ),
    "filesystem.*.optional": About(
        "Left out where the host has no such path, which otherwise refuses the job.",
        "filesystem: {/etc/ssl/certs: {from: /etc/ssl/certs, optional: true}}",
        "false",
    ),
    "filesystem.*.symlink": About(
        "The target of a symbolic link that stands there.", "filesystem: {/data: {symlink: /srv/data}}"
    ),
    "network": About(
        "`none` is a network of its own without a way out, its own loopback alone; `host` is all of the host's, its "
        "loopback and abstract sockets too.",
        "network: none",
    ),
    "network.allow": About(
        "The only places that may be connected to, as HOST:PORT. No backend holds it yet: such a policy is refused.",
        'network: {allow: ["pypi.org:443"]}',
    ),
    "syscalls": About(
        "Which system calls a program may make. docs/filter.md has what every policy refuses, such as nested "
        "namespaces, and why.",
        'syscalls: {deny: ["@default-deny", ptrace], action: errno}',
    ),
    "syscalls.allow": About(
        "The only calls that are let through: their names, or systemd's sets of them, which begin with @ and stand in "
        "quotes. Instead of `deny`. What starting a program takes is always let through.",
        'syscalls: {allow: ["@system-service", "@mount"]}',
    ),
    "syscalls.deny": About(
        "Calls and sets that are refused, where all others are let through. `@default-deny` is ours.",
        "syscalls: {+deny: [ptrace]}",
    ),
    "syscalls.rules": About(
        "What becomes of a call, or of one whose argument has a value. They are asked in their order, before the list, "
        "and the first that matches decides.",
        "syscalls: {rules: [{syscall: socket, arg: 0, value: 0x28, action: errno}]}",
    ),
    "syscalls.rules.syscall": About("The call's name.", "syscalls: {rules: [{syscall: ptrace, action: kill}]}"),
    "syscalls.rules.arg": About(
        "Which argument is looked at: 0 is the first, 5 the sixth.",
        "syscalls: {rules: [{syscall: socket, arg: 0, value: 16, action: errno}]}",
        "none: any arguments match",
    ),
    "syscalls.rules.mask": About(
        "The bits of the argument that are looked at, in decimal, hex or octal (0o17).",
        "syscalls: {rules: [{syscall: mmap, arg: 2, mask: 0x6, value: 0x6, action: log}]}",
        "0xffffffff",
    ),
    "syscalls.rules.value": About(
        "What the argument must be under the mask.",
        "syscalls: {rules: [{syscall: socket, arg: 0, value: 0x10, action: errno}]}",
    ),
    "syscalls.rules.action": About(
        "`errno` fails the call with EPERM, `kill` ends the program, `log` and `allow` let it through.",
        "syscalls: {rules: [{syscall: ptrace, action: kill}]}",
    ),
    "syscalls.action": About(
        "What becomes of a call that the list refuses: `errno` fails it with EPERM, `kill` ends the program, `log` "
        "lets it through and has the kernel write it down.",
        "syscalls: {action: kill}",
    ),
    "workspace": About(
        "What the directory of -C may be: `none` refuses -C, `ro` lets it be read, `rw` be written.", "workspace: ro"
    ),
    "environment": About(
        "Variables of the program, which has none of the caller's. Those of -e replace them.",
        'environment: {PYTHONHASHSEED: "0", HOME_OF_DATA: "{{ scratch }}/data"}',
        "none",
    ),
    "environment.*": About("The variable's value.", 'environment: {TZ: "UTC"}'),
    "artifacts": About(
        "Which files that the job leaves in scratch are returned.",
        'artifacts: {collect: ["out/**"], max_files: 100, max_bytes: 16MiB}',
    ),
    "artifacts.collect": About(
        "Patterns of paths in scratch; * stands for anything in a name, ** for any folders.",
        'artifacts: {collect: ["*.png", "out/**"]}',
    ),
    "artifacts.max_files": About("How many files at most.", "artifacts: {max_files: 100}"),
    "artifacts.max_bytes": About("How much they hold together at most.", "artifacts: {max_bytes: 16MiB}"),
    "require": About(
        "How well a clause must be held at least, or all that begin with it; else the job is refused. The nearest one "
        "counts. `privileges` is what every policy demands: no capabilities, and no way to get any.",
        "require: {limits: sampled, limits.memory: strict}",
        "what stands here as *must be held*",
    ),
    "require.*": About(
        "`strict`: the job as a whole can't exceed it; `sampled`: it is counted from outside, then killed; `process`: "
        "held for each process; `none`: it need not be held.",
        "require: {limits.memory: strict}",
    ),
    "silence": About(
        "Which findings of `sandbox policy check` in this file may stand. It changes nothing of what is allowed, so it "
        "is neither inherited nor part of the digest.",
        "silence: {network-host: The service is on this host.}",
        "none",
    ),
    "silence.*": About(
        "A rule of docs/rules.md, or a rule and a clause, and the reason.",
        "silence: {network-host network: The service is on this host.}",
    ),
}

CEILING: Mapping[str, About] = {
    **{name: each for name, each in POLICY.items() if name.partition(".")[0] not in {"extends", "language", "silence"}},
    "best_effort": About("Whether --best-effort may be used.", "best_effort: false", "true"),
    "audit": About(
        "A file in which every job must be written down; where that can't be done, nothing runs.",
        "audit: /var/log/sandbox/jobs.jsonl",
        "none",
    ),
}

CONFIG: Mapping[str, About] = {
    "backends": About(
        "The jailers in the order in which they are tried.", "backends: [nsjail, bwrap]", "bwrap, nsjail, firejail"
    ),
    "uid_range": About(
        "The accounts of which each job that root starts gets one.",
        "uid_range: 1900100000-1900165535",
        "1900000000-1900065535",
    ),
    "firejail_user": About(
        "The account of jobs that root starts in firejail, made for this; without it firejail doesn't serve root.",
        "firejail_user: sandbox-jobs",
        "none",
    ),
    "cache_dir": About("Where caches are kept.", "cache_dir: /var/cache/sandbox", "none"),
    "audit": About(
        "A file in which each job is written down. What the machine's and the user's configuration name both count.",
        "audit: /var/log/sandbox.jsonl",
        "none",
    ),
}
