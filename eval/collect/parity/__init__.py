"""Does a server serve what was saved? Template, tokens, weights and ends, held against transformers."""
