"""Pages for people, JSON for scripts, metrics for Prometheus."""
