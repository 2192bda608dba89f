"""The candidates of a sweep beside each other: pages that name them, and files."""
