"""`make chaos`: a whole installation mistreated for long, under load, and judged by what its public APIs answer.

`python -m tests.chaos --minutes 30 --every 20 --seed 1` starts a private PostgreSQL and RabbitMQ, lets prescriptions
start at a fixed rate however slowly answers come, commits a fault each so many seconds (`faults.py`), writes down every
accepted answer, waits until all is at rest, and asks whether anything is lost or doubled.
"""
