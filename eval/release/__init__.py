"""From a judged run to a decision, and from a decision to a release."""
