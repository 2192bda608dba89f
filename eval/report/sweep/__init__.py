"""The candidates of a sweep side by side, as pages and files."""
