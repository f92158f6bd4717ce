"""From blocks of features to a trained network."""
