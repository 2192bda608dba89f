"""Renders a model's text as HTML that shows all of it and runs none of it."""
