"""The world we call; nothing here decides."""
