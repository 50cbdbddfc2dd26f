"""The plan as everybody is told it, and the reasons that its prices give."""
