"""What the soak and the comparison share: building, processes, and reading metrics."""
