"""Parts of the steps of ``progression``; none of them is a step."""
