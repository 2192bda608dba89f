"""Reads rows from CSV to Parquet: one reader for prompts, answers, pairs and votes."""
