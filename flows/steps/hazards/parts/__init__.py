"""Parts of the steps of ``hazards``; none of them is a step."""
