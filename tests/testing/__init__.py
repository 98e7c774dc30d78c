"""`sandbox policy test`: what it reads, how it judges, and what it prints."""
