"""Figures: what the counts in the table ``figures`` say about a span of time.

``appliance.events.reports`` counts as events arrive; nothing here looks at calls one by one, so a
year of a million calls is answered as quickly as a day.
"""
