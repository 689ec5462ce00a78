"""The starter models, their cards, and the scripts that make them."""
