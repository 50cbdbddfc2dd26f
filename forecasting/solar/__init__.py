"""Sun on an array: clear sky, persistence, what is learned, and measurements that cannot be true."""
