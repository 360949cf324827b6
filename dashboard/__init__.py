"""The page at `/`: the weather of a place and the news by category, each with its age, source and state."""
