"""Run code that nobody has to trust, under policies that a security team writes once."""
