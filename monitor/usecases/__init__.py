"""One verb per file: read, decide by the core, write."""
