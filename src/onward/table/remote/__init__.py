"""Rows of databases, lakes and APIs as batches of Arrow columns. Sources take snapshots of them."""
