"""The commands beside the stages. No module here imports torch."""
