"""Charts drawn on the server: SVG with a title and a description, and the numbers as a table.

No colour, size or script is written into the drawing: ``static/charts.css`` dresses it, so the
strict Content-Security-Policy holds and charts are light and dark like everything else.
"""
