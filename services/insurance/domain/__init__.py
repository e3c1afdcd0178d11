"""The rules of settlement: pure functions and states, integers of fen, no clock and no store."""
