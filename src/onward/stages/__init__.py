"""The stages of the pipeline: each reads files, calls what computes, and writes files."""

ORDER = ("prepare", "train", "export", "evaluate", "report")
