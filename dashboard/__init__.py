"""The page at `/`: the weather of a place and the news by category, and for the signed-in their platforms and their
subscription; each with its age, source and state."""
