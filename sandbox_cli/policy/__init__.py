"""What is allowed: the policy language, where policies come from, and the syscall filter.

`load` reads a policy with everything it extends, and `trace` also tells how it came about; `available` lists
what can be had by name; `language_index` finds the policy of a language by its name, alias or extension.
"""

from sandbox_cli.policy.loading import available, language_index, load, trace

__all__ = ["available", "language_index", "load", "trace"]
