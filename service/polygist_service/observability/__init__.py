"""What Prometheus may read: counts and times, never a text, a key or an address."""
