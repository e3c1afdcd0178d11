"""The business rules of shortage: pure decisions over signals, detectors and cases."""
