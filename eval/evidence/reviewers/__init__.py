"""The people: what each did, how far they agree, and what moved them beside the answers."""
