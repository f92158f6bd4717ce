"""The quality of a table: type inference, validation, leaks, derived columns."""
