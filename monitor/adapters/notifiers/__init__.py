"""Channels: where notices and alerts go."""
