"""The gate: from a judged run and its policy to a decision."""
