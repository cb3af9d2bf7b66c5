"""Images: the root trees that agents' containers start from, how one is made and how it takes its place."""
