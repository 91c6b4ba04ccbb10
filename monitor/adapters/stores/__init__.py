"""Keep the state and the audit log over a crash."""
