"""Looking at parameters: kernels, weights, the lines of hidden units."""
