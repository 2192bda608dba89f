"""From a judged run to a decision."""
