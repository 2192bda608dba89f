"""Everything that is fixed before the first verdict: study, key, plan, giveaways."""
