"""What a target is: its outputs, metrics, curves and decisions."""
