"""Parts of the steps of ``radiomics``; none of them is a step."""
