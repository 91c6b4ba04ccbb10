"""Resolvers that are asked from other places: batches go out, what was heard comes back."""
