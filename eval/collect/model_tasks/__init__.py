"""What models are asked beside the prompts: to judge, to correct, and how likely an answer is."""
