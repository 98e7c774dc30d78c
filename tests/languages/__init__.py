"""Every shipped language, on every backend: what its policy says of it, and what its interpreter makes of that."""
