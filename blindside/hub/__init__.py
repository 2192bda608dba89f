"""The Hugging Face Hub: names of its data sets, and the HTTP library of its client."""
