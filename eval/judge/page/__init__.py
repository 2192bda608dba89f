"""The judging page: what a reviewer is shown, and what the browser sends back."""
