"""Evidence: verdicts to figures, pure functions without files of their own."""
