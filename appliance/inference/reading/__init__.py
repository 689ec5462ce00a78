"""Written text to the words that a voice says: numbers, times, addresses, abbreviations, names.

A voice that meets "17:00", "Dr", "$12.50" or "info@example.com" guesses, and each voice guesses
differently. `appliance.inference.reading.reader` writes such things out before any engine sees
them. What is recorded as said stays the text as it was written.
"""
