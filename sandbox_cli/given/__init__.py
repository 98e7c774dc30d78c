"""What a job is given: code, files, folders. All of it is looked at before anything starts."""
