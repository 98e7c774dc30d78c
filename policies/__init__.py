"""The shipped policies: YAML, one file a language."""
