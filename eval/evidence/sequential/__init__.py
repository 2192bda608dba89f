"""Whether a study may stop now, and how large it should be."""
