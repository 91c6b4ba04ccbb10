"""Sources of bindings; oss2 is imported here and nowhere else."""
