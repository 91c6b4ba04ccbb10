"""The world that calls us: the scheduler, Prometheus, browsers, terminals."""
