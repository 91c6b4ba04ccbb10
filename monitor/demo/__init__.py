"""An embedded world on loopback: authorities, caches of several habits, an OSS endpoint."""
