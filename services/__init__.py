"""The five services of rxflow and their technical kernel, `services.seedwork`."""
