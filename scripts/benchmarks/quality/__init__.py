"""What detection is worth on labelled traces: the product's own scoring core next to simple methods, in one run."""
