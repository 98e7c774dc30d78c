"""The Model Context Protocol server: an agent's jobs, under policies that the operator chose, over stdin and stdout.

`terms` is what the operator decides, `offer` what an agent may ask for within it, `jobs` runs that, `answers` tells of
it, `tools` and `resources` describe it, `server` joins them, and `streams` keeps the wire clean. The official SDK, an
extra, is imported by `answers`, `tools`, `resources` and `server` alone.
"""
