"""Rules of the category `overlap`."""
