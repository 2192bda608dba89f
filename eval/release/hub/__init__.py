"""From a decision to the Hub: what goes up, under which names, and whether it arrived."""
