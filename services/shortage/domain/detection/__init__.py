"""The detectors of shortage: what many small reports say together about one drug in one region node, all pure.

`run_length` says how long a walk goes without a false alarm, `calibration` chooses thresholds by it, `walk` steps over
observations, `order_lines` and `unfilled` are the walks over short-filled orders and over demands nobody could fill,
`demand` and `surge` know what is usual, `cover` how long stock lasts, `silence` who has stopped to report.
"""
