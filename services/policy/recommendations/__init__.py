"""Recommendations (推荐申报): the city guides, reviews and recommends; an upper level decides."""
