"""Fills an empty installation on PostgreSQL with pharmacies, stock and prescriptions in circulation, for measurements.

What is stored is genuine. Every event was decided by the service's own use case, after whatever the others told it, and
its row, its place in the hash chain, its public twin, its deadlines and the gates behind it were made by the service's
own writer; personal fields are sealed under keys of their own. Read models are made of the same events by their own
projections. Only the way into the database is another one: rows are gathered for some hundred prescriptions and
written by COPY, in one transaction per store and piece, instead of one save per command.

What this costs against the product: nothing is published by a broker, because everybody has been told in the process;
and an installation whose filling was interrupted is thrown away.
"""
