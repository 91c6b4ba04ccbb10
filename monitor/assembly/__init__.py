"""Build every object from the settings; the only place that knows them all."""
