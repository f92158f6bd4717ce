"""The network: embedders, bodies, heads, and the module that joins them."""
