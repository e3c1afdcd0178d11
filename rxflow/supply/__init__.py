"""The supply of medicines in a seed: pharmacies, drugs and a year with shortages that are known because they were made.

It measures the product's own detectors (`services.shortage.domain.detection`), what they find, when, and what they cry
wolf about, beside what other systems alert on. A pharmacy reorders when a week's demand is left and is delivered on the
next day, wholly or not at all; directions are robust, days are no forecast.
"""
