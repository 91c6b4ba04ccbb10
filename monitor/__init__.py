"""Tell who reaches an OSS bucket through its own domain, who does not, why, and until when."""

__version__ = "0.1.0"
