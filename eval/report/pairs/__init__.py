"""A look at a pair file in the browser: prompt, both answers, where they differ, and how long they are."""
