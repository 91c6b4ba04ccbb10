-- Which buckets an account was looked at for: a domain is unbound only where its bucket was.
ALTER TABLE account ADD COLUMN buckets TEXT NOT NULL DEFAULT '[]';
