"""Jobs from Python: what the package's public functions, `sandbox batch` and `sandbox mcp` are made of.

On the same way as every job: plan, then run. Nothing here decides what a job may do, or holds it to that.
"""
