"""Serving two models: containers, processes, or the embedded CPU engine."""
