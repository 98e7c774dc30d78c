"""The command: it parses, prints and exits. One module a command; the work is done in plan, run, policy and host."""
