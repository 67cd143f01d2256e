"""What Pixelpop costs, each figure beside a raw limit and the usual stack, in the same run."""
