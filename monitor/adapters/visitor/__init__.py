"""Who serves a domain, asked over HTTP and TLS at a given address."""
