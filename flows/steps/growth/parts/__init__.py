"""Parts of the steps of ``growth``; none of them is a step."""
