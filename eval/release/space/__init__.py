"""The judging page as a Space of the Hugging Face Hub, for reviewers who cannot reach this machine."""
