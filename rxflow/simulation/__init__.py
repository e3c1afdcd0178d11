"""The whole installation in one process, in a seed: five services, their stores, their workers, a broker, a network and
people, over a clock, a chance, a broker and stores of its own that fail in every way the real ones do.

- `virtual_time`, `processes`: time that only passes when all wait; processes that die at any moment
- `stores`, `broker`, `network`: the ports, with their mishaps
- `mishaps`: what can go wrong, how often and for how long, as data
- `installation`: the processes of five services, started, killed and started again
- `people`: doctors, pharmacists, patients and couriers who retry, give up, double-click and race
- `books`, `accepted`, `invariants`: what must hold after every commit, at rest and at the end
- `world`: one seed from founding to verdict; `seeds`: many of them

The same seed does the same again, to the byte.
"""
