"""Rows of files as people have them, CSV to Parquet: one reader for prompts, answers, pairs and votes."""
