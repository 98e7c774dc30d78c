"""What holds limits while a job runs, one module each."""
